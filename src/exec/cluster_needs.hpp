// What a job asks of a cluster, and what it is known by: what `plan::Attempt` does not say.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

// What an allocation must offer, or be. Zero and empty: not said, the cluster decides.
struct Allocation {
  std::int64_t cores = 0;  // of each task
  std::int64_t memory_mb = 0;
  std::int64_t memory_mb_per_core = 0;
  std::int64_t runtime_min = 0;
  std::int64_t nodes = 0;
  std::int64_t tasks = 0;
  std::string partition{}, account{}, constraint{}, extra{};
  friend bool operator==(const Allocation&, const Allocation&) = default;
  friend auto operator<=>(const Allocation&, const Allocation&) = default;
};

struct ClusterNeeds {
  Allocation allocation;
  std::string key;   // of the job's record
  std::string kind;  // the rule, or what else like jobs have in common: their durations are alike
  std::string name;  // for people
  std::uint64_t identity = 0;
  double expected_s = 0;  // measured in earlier runs; 0: not known
};

class NeedsSource {
 public:
  virtual ~NeedsSource() = default;
  virtual ClusterNeeds needs(const plan::Attempt& attempt) = 0;

  // What else the batch system's command needs to know, where it is the user's: the command with the job's
  // values filled in, and a comment for the script that is submitted.
  struct Words {
    std::string command, properties;
  };
  virtual std::vector<Result<Words>> words(std::span<const plan::Attempt* const> attempts) = 0;
};

}  // namespace furrow::exec
