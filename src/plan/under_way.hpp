// Jobs that an earlier engine, which is gone, has started where its death does not end them: on a cluster.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace furrow::plan {

class UnderWay {
 public:
  virtual ~UnderWay() = default;

  struct Question {
    std::string key;  // of the job's record
    std::uint64_t identity = 0;
    struct Input {
      std::string made_by;  // the key of the job that makes it; empty: none does
      std::int64_t mtime_ns = 0;
    };
    std::vector<Input> inputs{};
  };
  enum class Answer : std::uint8_t {
    kNo,     // nobody runs it
    kSame,   // the very same job runs or has ended well: starting it means to wait for that one
    kOther,  // another job of that key may still be running
  };
  virtual Answer look(const Question& question) = 0;
  // Whether one that somebody has started, and that was not asked for yet, has ended well.
  virtual bool has_succeeded(const std::string& key) const = 0;
  virtual std::string describe(const std::string& key) const = 0;  // "Slurm job 12_3 on n1"
};

}  // namespace furrow::plan
