// One run a folder at a time: flock() on a file that names its holder. The lock belongs to the open file
// description, so it lasts until the last process that inherited the descriptor (the run's guard) is gone; it
// never outlives them.
#pragma once

#include <string>

#include "base/error.hpp"

namespace furrow::store {

class FolderLock {
 public:
  // Waits up to WAIT_S for the guard of a holder that is dead; fails at once, naming the holder, where that
  // is alive.
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
