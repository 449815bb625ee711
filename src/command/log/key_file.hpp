// The keys of the jobs in a job log, in a file next to it, LOG.furrow, since GNU parallel's format has no
// room for them. docs/design/map.md describes the format.
//
// A record maps a line of the log, by its hash, to a key. The record is written before the line. So a line
// whose key is known is complete, and a record without its line means nothing. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.hpp"

namespace furrow::command {

class KeyFile {
 public:
  // Locks the file for this process; waits up to WAIT_S for the watchdog of an engine that was killed.
  static Result<KeyFile> open(const std::string& path, double wait_s);
  KeyFile() = default;
  KeyFile(KeyFile&& other) noexcept { *this = std::move(other); }
  KeyFile& operator=(KeyFile&& other) noexcept;
  ~KeyFile();

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }  // the lock lasts while any process has it open

  Result<void> clear();  // removes all records
  // The key of each line, by line_hash(). Cuts off torn or damaged records at the end.
  Result<std::unordered_map<std::uint64_t, std::uint64_t>> read();

  void add(std::string_view line, std::uint64_t key);  // LINE without its newline
  Result<void> commit();

  static std::uint64_t line_hash(std::string_view line);

 private:
  Result<void> write_header();

  int fd_ = -1;
  std::string path_;
  std::string added_;
};

}  // namespace furrow::command
