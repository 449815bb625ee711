// Jobs that an earlier engine, which is gone, has started where its death does not end them: on a cluster.
#pragma once

#include <cstdint>
#include <string>

namespace furrow::plan {

class UnderWay {
 public:
  virtual ~UnderWay() = default;

  struct Question {
    std::string key;  // of the job's record
    std::uint64_t identity = 0;
    std::int64_t newest_input_ns = 0;
  };
  enum class Answer : std::uint8_t {
    kNo,     // nobody runs it
    kSame,   // the very same job runs or has ended well: starting it means to wait for that one
    kOther,  // another job of that key may still be running
  };
  virtual Answer look(const Question& question) = 0;
  virtual std::string describe(const std::string& key) const = 0;  // "Slurm job 12_3 on n1"
};

}  // namespace furrow::plan
