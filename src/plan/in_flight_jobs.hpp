// Jobs on a cluster that an earlier engine has started: they go on after that engine has died.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace furrow::plan {

class InFlightJobs {
 public:
  virtual ~InFlightJobs() = default;

  struct Question {
    std::string key;  // of the job's record in the store
    std::uint64_t identity = 0;
    struct Input {
      std::string made_by;  // the key of the job that makes it; empty: no job does
      std::int64_t mtime_ns = 0;
    };
    std::vector<Input> inputs{};
  };
  enum class Answer : std::uint8_t {
    kNo,     // the job is not running
    kSame,   // the same job runs or has succeeded: starting it means waiting for that one
    kOther,  // a different job with this key may still be running
  };
  virtual Answer look(const Question& question) = 0;
  // Whether a job that was started earlier, and that this run has not asked for yet, has succeeded.
  virtual bool has_succeeded(const std::string& key) const = 0;
  virtual std::string describe(const std::string& key) const = 0;  // "Slurm job 12_3 on n1"
};

}  // namespace furrow::plan
