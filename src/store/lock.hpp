// Allows one run at a time in a folder: flock() on a file that names its holder. The lock belongs to the open
// file description, so it lasts until the last process that inherited the descriptor has ended: the run's
// watchdog. It never outlives these processes. Jobs that have outlived them are ended before the lock counts as taken.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "os/process/survivors.hpp"

namespace furrow::store {

class FolderLock {
 public:
  // If the holder is alive, fails at once and names it. If it is dead, waits up to WAIT_S for its watchdog.
  static Result<FolderLock> take(const std::string& path, double wait_s);
  // Takes the jobs of a killed run for ended. True if there was such a run.
  static Result<bool> forget_jobs(const std::string& path);
  FolderLock() = default;
  FolderLock(FolderLock&& other) noexcept { *this = std::move(other); }
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();  // the caller's jobs have ended
  int fd() const { return fd_; }

  // From now on jobs may run, which carry this run's id.
  Result<void> begin_jobs(const std::string& run);
  // All jobs have ended. FD is that of a lock, perhaps inherited.
  static void end_jobs(int fd);
  // Processes of a killed run that take() has ended.
  const std::vector<os::Survivor>& ended() const { return ended_; }

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_ = -1;
  bool has_jobs_ = false;
  std::vector<os::Survivor> ended_;
};

}  // namespace furrow::store
