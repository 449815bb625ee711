// Allows one run at a time in a folder: flock() on a file that names its holder. The lock belongs to the open
// file description, so it lasts until the last process that inherited the descriptor has ended: the run's
// watchdog. It never outlives these processes.
#pragma once

#include <string>

#include "base/error.hpp"

namespace furrow::store {

class FolderLock {
 public:
  // If the holder is alive, fails at once and names it. If it is dead, waits up to WAIT_S for its watchdog.
  static Result<FolderLock> take(const std::string& path, double wait_s);
  FolderLock() = default;
  FolderLock(FolderLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();
  int fd() const { return fd_; }

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace furrow::store
