// Owns a file descriptor and closes it in its destructor.
#pragma once

#include <unistd.h>

namespace furrow::os {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}  // takes ownership; negative: none
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace furrow::os
