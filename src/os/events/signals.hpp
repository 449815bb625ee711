// Signals as events of the loop: blocked in this process while the watch lives, and read from a descriptor.
//
// Make it before any thread is started, so that they inherit the blocked mask. Spawned programs start with
// nothing blocked.
#pragma once

#include <signal.h>

#include <functional>
#include <vector>

#include "os/events/event_loop.hpp"

namespace furrow::os {

// Those of SIGNALS that this process does not ignore: nohup and shells without job control start programs
// with some ignored, and that is to stay so.
std::vector<int> not_ignored(const std::vector<int>& signals);

class SignalWatch {
 public:
  // Calls back in the loop, once for each signal that came (the same signal twice between two rounds may come
  // once).
  SignalWatch(EventLoop& loop, const std::vector<int>& signals, std::function<void(int signal)> callback);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  EventLoop& loop_;
  int fd_ = -1;
  sigset_t before_;
};

}  // namespace furrow::os
