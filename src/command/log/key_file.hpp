// The keys of the jobs in a job log, in a file next to it, LOG.furrow, since GNU parallel's format has no
// room for them. docs/design/map.md describes the format.
//
// A record maps a line of the log, by its hash, to a key. The record is written before the line. So a line
// whose key is known is complete, and a record without its line means nothing. Marks say up to where the log, and all
// that its jobs have made, was on the disk, and in which boot of the machine the lines after that were written.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "os/process/survivors.hpp"
#include "store/lock.hpp"

namespace furrow::command {

class KeyFile {
 public:
  // Locks the file for this process; waits up to WAIT_S for the watchdog of an engine that was killed.
  // Ends the jobs of such an engine that are left, unless ONLY_READS.
  static Result<KeyFile> open(const std::string& path, double wait_s, bool only_reads = false);
  KeyFile() = default;
  KeyFile(KeyFile&& other) noexcept { *this = std::move(other); }
  KeyFile& operator=(KeyFile&& other) noexcept;
  ~KeyFile();  // the caller's jobs have ended

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }  // the lock lasts while any process has it open

  // From now on jobs may run, which carry this run's id. LOG_SIZE: how long the log is. WATCHDOG: its pid. On the disk when
  // it returns.
  Result<void> begin_jobs(const std::string& run, std::int64_t log_size, int watchdog = 0);
  // Of the file that stands for the lock where there is no flock; -1 if there is.
  int other_lock_fd() const { return other_lock_.fd(); }
  // The log, and all that its jobs have made, is on the disk up to this size; so is this when it returns. MARKS is a
  // descriptor of open_for_marks(), which does not share the lock.
  static void add_mark(int marks, std::int64_t log_size);
  int open_for_marks() const;
  // After read(): how much of the log is to be believed, if the machine may have gone down since the rest was written.
  std::optional<std::int64_t> safe_log_size() const {
    return is_of_other_boot_ ? marked_log_size_ : std::nullopt;
  }
  // By the last mark; nothing if there is none.
  std::optional<std::int64_t> marked_log_size() const { return marked_log_size_; }
  // All jobs have ended. FD is mark_fd(), perhaps inherited.
  static void end_jobs(int fd);
  int mark_fd() const { return mark_fd_; }
  // Processes of a killed run that open() has ended.
  const std::vector<os::Survivor>& ended() const { return ended_; }

  Result<void> clear();  // removes all records
  // The key of each line, by line_hash(). Cuts off torn or damaged records at the end.
  Result<std::unordered_map<std::uint64_t, std::uint64_t>> read();

  void add(std::string_view line, std::uint64_t key);  // LINE without its newline
  Result<void> commit();

  static std::uint64_t line_hash(std::string_view line);

 private:
  Result<void> write_header();
  Result<void> take_other_lock(double wait_s);

  int fd_ = -1;
  int mark_fd_ = -1;  // for the header
  bool has_jobs_ = false, keeps_mark_ = false;
  store::FolderLock other_lock_;
  std::vector<os::Survivor> ended_;
  std::string path_;
  std::string added_;
  std::optional<std::int64_t> marked_log_size_;
  bool is_of_other_boot_ = false;
};

}  // namespace furrow::command
