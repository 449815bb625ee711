// Jobs on a cluster that an earlier engine has started: they go on after that engine has died.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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

  using IsOpen = std::function<bool(const std::string& key)>;
  // Adopts what earlier engines have left in flight; call before the first start. `is_open` says whether it is
  // not known yet how the job with a key has ended; without it, that holds for every job.
  virtual void adopt(const IsOpen& is_open) = 0;
  // Call when the run is over and recorded. Removes what is no longer needed of batches that have ended; the
  // logs of failed jobs are kept. `is_open` says whether the record of a key still says that its job runs.
  virtual void finish(const IsOpen& is_open) = 0;
  virtual std::size_t submissions() const = 0;  // of this engine
  virtual std::size_t in_flight() const = 0;    // batches
};

}  // namespace furrow::plan
