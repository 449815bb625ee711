// Pipes of attempts that have ended while somebody can still write into them: a program that a job started in
// the background and left running. They are read until they close, and what comes is thrown away, so that
// such a program neither waits for a reader nor dies for want of one while the engine runs. Once the engine
// has ended, or has given up the pipe for newer ones, its next write fails with EPIPE.
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

  void adopt(int fd);  // the reading end, non-blocking, not watched
  std::size_t size() const { return pipes_.size(); }

 private:
  void discard(int fd);
  void close(int fd);

  os::EventLoop& loop_;
  const std::size_t most_;
  std::deque<int> pipes_;  // oldest first
};

}  // namespace furrow::exec
