// Writes jobs' output to the engine's own standard output or error.
//
// If the reader is slow, write() waits for it, unless a signal is pending for the engine. If the reader has
// gone or the disk is full, writing ends permanently: all further text is dropped, and error() says why.
// Makes this process ignore SIGPIPE. Not thread-safe.
#pragma once

#include <string_view>

namespace furrow::exec {

class StreamWriter {
 public:
  explicit StreamWriter(int fd);  // borrowed

  bool write(std::string_view text);    // false if not all of it was written
  int error() const { return error_; }  // errno; 0: no error so far
  int fd() const { return fd_; }

 private:
  bool write_some(std::string_view& text);

  int fd_;
  bool may_block_;
  int error_ = 0;
};

bool is_same_file(int a, int b);  // whether two descriptors refer to the same file

}  // namespace furrow::exec
