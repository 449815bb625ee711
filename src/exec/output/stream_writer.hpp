// The engine's own standard output or error, as the place to which jobs' output goes.
//
// A reader that does not read is waited for, unless a signal is waiting for the engine. A reader that has
// gone, or a full disk, ends the writing for good: what comes then is dropped, and error() says why. Ignores
// SIGPIPE in this process. Not thread-safe.
#pragma once

#include <string_view>

namespace furrow::exec {

class StreamWriter {
 public:
  explicit StreamWriter(int fd);  // borrowed

  bool write(std::string_view text);    // false where not all of it was written
  int error() const { return error_; }  // errno; 0: it can be written
  int fd() const { return fd_; }

 private:
  bool write_some(std::string_view& text);

  int fd_;
  bool may_block_;
  int error_ = 0;
};

bool is_same_file(int a, int b);  // two descriptors that end in the same place

}  // namespace furrow::exec
