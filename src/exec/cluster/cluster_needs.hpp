// What a job needs from a cluster and how it is identified, in addition to what `plan::Attempt` says.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "plan/batch_files.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

// The longest time in minutes that a job may ask for, by partition, if there is a limit; "" is the default
// partition.
using TimeLimits = std::map<std::string, std::int64_t>;

// The properties that an allocation must have. Zero or empty: not specified, the cluster decides.
struct Allocation {
  std::int64_t cores = 0;  // for each task
  std::int64_t memory_mb = 0;
  std::int64_t memory_mb_per_core = 0;
  std::int64_t runtime_min = 0;
  std::int64_t nodes = 0;
  std::int64_t tasks = 0;
  std::int64_t tasks_per_node = 0;
  std::string partition{}, account{}, constraint{}, extra{};
  // Other resources that mean something to the batch system, such as a GPU, by the names of Snakefiles; sorted.
  std::vector<std::pair<std::string, std::string>> others{};
  friend bool operator==(const Allocation&, const Allocation&) = default;
  friend auto operator<=>(const Allocation&, const Allocation&) = default;
};

struct ClusterNeeds {
  Allocation allocation;
  std::string key;   // of the job's record in the store
  std::string kind;  // the rule, or whatever else jobs of similar duration have in common
  std::string name;  // shown to the user
  std::uint64_t identity = 0;
  double expected_s = 0;  // measured in earlier runs; 0: not known
};

// The other members of an attempt's group: they run in the same batch. The farm starts them later; the
// executor then finds them in that batch and waits for it.
struct GroupNeeds {
  struct Member {
    plan::Attempt attempt;
    ClusterNeeds needs;
    std::vector<std::uint32_t> after;  // the jobs it needs; 0: the attempt itself, n: the nth member
    plan::BatchFiles files;
    std::uint32_t gang = 0;             // as in BatchJob
    std::vector<std::uint32_t> uses{};  // as `after`
  };
  std::string name;
  plan::BatchFiles files;  // of the attempt itself
  std::uint32_t gang = 0;  // of the attempt itself
  std::vector<Member> members{};
};

class NeedsSource {
 public:
  virtual ~NeedsSource() = default;
  virtual ClusterNeeds needs(const plan::Attempt& attempt) = 0;

  // Called once for each attempt that is to be submitted.
  virtual std::optional<GroupNeeds> group(const plan::Attempt& /*attempt*/) { return std::nullopt; }
  // What the attempt and the other members of its group need together, if at most `cores` and `memory_mb` are
  // available (0: no limit).
  virtual Allocation together(const plan::Attempt& attempt, std::int64_t /*cores*/,
                              std::int64_t /*memory_mb*/) {
    return needs(attempt).allocation;
  }

  // What a user-supplied submit command needs: the command with the job's values filled in, and a comment for
  // the script that is submitted, or the whole script ("#!...") with {exec_job} where the job is to run.
  struct Words {
    std::string command, properties;
  };
  virtual std::vector<Result<Words>> words(std::span<const plan::Attempt* const> attempts) = 0;
};

}  // namespace furrow::exec
