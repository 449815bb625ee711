// Signals as events of the loop: the SignalWatch blocks them in this process and reads them from a
// descriptor.
//
// Create it before any thread is started, so that threads inherit the blocked mask. Spawned programs start
// with no signal blocked.
#pragma once

#include <signal.h>

#include <functional>
#include <vector>

#include "os/events/event_loop.hpp"

namespace furrow::os {

// SIGNALS without those that this process ignores: nohup and shells without job control start programs with
// some signals ignored, and these must stay ignored.
std::vector<int> not_ignored(const std::vector<int>& signals);

class SignalWatch {
 public:
  // Calls back from the loop, once for each signal that arrives (a signal that arrives twice between two
  // rounds may be reported once).
  SignalWatch(EventLoop& loop, const std::vector<int>& signals, std::function<void(int signal)> callback);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  void look_again();

  EventLoop& loop_;
  const std::function<void(int signal)> callback_;
  int fd_ = -1;
  std::uint64_t timer_ = 0;  // instead of the descriptor
  sigset_t watched_, before_;
};

}  // namespace furrow::os
