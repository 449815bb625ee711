// What a job log says about jobs that ran before. They are found by key; a line without a key (GNU parallel
// wrote it, or a power cut lost the key) is found by its command as it was run.
#pragma once

#include <cstdint>
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
  // Bytes of a block that it read.
  std::int64_t sent = 0;
  std::string_view command{};  // as in the log, with a NUL for each newline
};

// Parses a line of a log, without its newline. USAGE: three columns follow the command. False if it is not
// one.
bool parse_log_line(std::string_view line, bool usage, PastJob& job);

class PastJobs {
 public:
  enum class Before : std::uint8_t { kNever, kWell, kFailed };

  void add(const PastJob& job);  // call it in the order of the log: later lines override earlier ones
  void finish();                 // call it after the last

  Before by_key(std::uint64_t key) const;
  // Each line of the log stands for one job only, so this consumes the line.
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
