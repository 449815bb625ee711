// Pipes of attempts that have ended but can still be written to, by a program that a job started in the
// background and left running. They are read until they close, and the data is discarded, so that such a
// program neither blocks nor dies for lack of a reader while the engine runs. After the engine has ended, or
// has closed the pipe in favour of newer ones, the program's next write fails with EPIPE.
#pragma once

#include <cstddef>
#include <deque>

#include "os/events/event_loop.hpp"

namespace furrow::exec {

class LeftoverPipes {
 public:
  LeftoverPipes(os::EventLoop& loop, std::size_t most) : loop_(loop), most_(most) {}
  ~LeftoverPipes();
  LeftoverPipes(const LeftoverPipes&) = delete;
  LeftoverPipes& operator=(const LeftoverPipes&) = delete;

  void adopt(int fd);  // takes ownership of a read end that is non-blocking and not watched
  std::size_t size() const { return pipes_.size(); }

 private:
  void discard(int fd);
  void close(int fd);

  os::EventLoop& loop_;
  const std::size_t most_;
  std::deque<int> pipes_;  // oldest first
};

}  // namespace furrow::exec
