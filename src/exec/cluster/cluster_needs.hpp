// What a job asks of a cluster, and what it is known by: what `plan::Attempt` does not say.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/batch_files.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

// What an allocation must offer, or be. Zero and empty: not said, the cluster decides.
// The longest that a job may ask for, by partition, where there is a limit; "": of the usual partition.
using TimeLimits = std::map<std::string, std::int64_t>;

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

// Jobs that go along with an attempt, in its batch. The farm starts them later: then it waits for these.
struct GroupNeeds {
  struct Mate {
    plan::Attempt attempt;
    ClusterNeeds needs;
    std::vector<std::uint32_t> after;  // 0: the attempt itself; n: the nth mate
    plan::BatchFiles files;
  };
  std::string name;
  plan::BatchFiles files;  // of the attempt itself
  std::vector<Mate> mates;
};

class NeedsSource {
 public:
  virtual ~NeedsSource() = default;
  virtual ClusterNeeds needs(const plan::Attempt& attempt) = 0;

  // Asked once for each attempt that is to be submitted.
  virtual std::optional<GroupNeeds> group(const plan::Attempt& /*attempt*/) { return std::nullopt; }
  // What ATTEMPT and those that go along with it need, where no more than CORES and MEMORY_MB can be had (0:
  // no limit).
  virtual Allocation together(const plan::Attempt& attempt, std::int64_t /*cores*/,
                              std::int64_t /*memory_mb*/) {
    return needs(attempt).allocation;
  }

  // What else the batch system's command needs to know, where it is the user's: the command with the job's
  // values filled in, and a comment for the script that is submitted.
  struct Words {
    std::string command, properties;
  };
  virtual std::vector<Result<Words>> words(std::span<const plan::Attempt* const> attempts) = 0;
};

}  // namespace furrow::exec
