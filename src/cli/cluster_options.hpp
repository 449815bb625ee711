// Where jobs run, from the options of `furrow run` and `furrow map`: here, on Slurm, or through user-supplied
// commands.
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
  // kCommands: the commands that submit a job, ask for its state and cancel it.
  std::string submit{}, status{}, cancel{};
  // How many jobs one cancel command takes.
  std::int64_t cancel_names = 1000;
  // How many batches may be in the queue at a time.
  std::optional<std::int64_t> jobs{};
  // "auto", "one", "array" or "packed".
  std::string packing = "auto";
  // Of a packed allocation; 0: those of the smallest node.
  std::int64_t batch_cores = 0;
  // Of a packed allocation.
  std::int64_t batch_nodes = 1;
  // At first; less often later.
  double status_every_s = 30;
  // 0: the default of the kind.
  double submissions_per_s = 0;
  // kCommands: status commands per second.
  double statuses_per_s = 10;
  bool is_on() const { return kind != Kind::kNone; }
};

// Checks the value of --packing.
Result<void> check_packing(std::string_view name);

// Checks that the GIVEN options ("--batch-nodes") can have an effect with these settings; an error names one
// that cannot, and says what to do. Leave out options from profiles, which people share between machines with
// a cluster and without.
Result<void> check_effects(const ClusterSettings& settings, const std::set<std::string>& given);

}  // namespace furrow::cli
