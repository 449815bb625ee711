// What a job log says about jobs that ran before: by key, and where a line has none (GNU parallel wrote it,
// or a power cut took the key) by its command as it was run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"

namespace furrow::command {

struct PastJob {
  std::uint64_t seq = 0;
  std::uint64_t key = 0;
  bool has_key = false;
  bool ok = false;
  std::string_view command{};  // as in the log: with a NUL for each line end
};

// A line of a log, without its end. USAGE: three columns follow the command. False where it is none.
bool parse_log_line(std::string_view line, bool usage, PastJob& job);

class PastJobs {
 public:
  enum class Before : std::uint8_t { kNever, kWell, kFailed };

  void add(const PastJob& job);  // in the order of the log: what comes later counts
  void finish();                 // after the last

  Before by_key(std::uint64_t key) const;
  // Each line of the log stands for one job only.
  Before take_command(std::string_view command);
  bool has_keyless() const { return !keyless_.empty(); }
  std::size_t size() const { return by_key_.size() + keyless_lines_; }  // distinct jobs

 private:
  struct Keyed {
    std::uint64_t key;
    bool ok;
  };
  struct Keyless {
    std::uint32_t count = 0;
    bool ok = false;
  };
  std::vector<Keyed> by_key_;
  std::unordered_map<std::uint64_t, Keyless> keyless_;  // by the hash of the command
  std::size_t keyless_lines_ = 0;
};

}  // namespace furrow::command
