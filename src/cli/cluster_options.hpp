// Where jobs run, as `furrow run` and `furrow map` are told: here, on Slurm, or through commands of the
// user's.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace furrow::cli {

struct ClusterSettings {
  enum class Kind : std::uint8_t { kNone, kSlurm, kCommands } kind = Kind::kNone;
  // kCommands: how a job is submitted, asked about and cancelled.
  std::string submit{}, status{}, cancel{};
  std::int64_t cancel_names = 1000;    // that one command takes
  std::optional<std::int64_t> jobs{};  // batches in the queue at a time
  std::string packing = "auto";        // one, array, packed
  std::int64_t batch_cores = 0;        // of a packed allocation; 0: of the smallest node
  std::int64_t batch_nodes = 1;        // of a packed allocation
  double status_every_s = 30;          // at first
  double submissions_per_s = 0;        // 0: the default of the kind
  double statuses_per_s = 10;          // kCommands: status commands
  bool is_on() const { return kind != Kind::kNone; }
};

// What --packing takes.
Result<void> check_packing(std::string_view name);

// Whether the options GIVEN ("--batch-nodes") can have an effect with these settings; an error names one that
// cannot, and says what to do. Those of a profile are not to be among them: people share profiles between
// machines with a cluster and without.
Result<void> check_effects(const ClusterSettings& settings, const std::set<std::string>& given);

}  // namespace furrow::cli
