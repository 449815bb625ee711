// Callbacks that run from an event loop, in the order in which they were added, and never inside the call
// that caused them. Without a loop they run at once. A callback may add others, which run in the same turn of
// the loop, but must not destroy the object. Callbacks that have not run when the object or the loop ends are
// dropped. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "os/events/event_loop.hpp"

namespace furrow::snakefile {

class DeferredCalls {
 public:
  DeferredCalls() = default;
  ~DeferredCalls() { detach(); }
  DeferredCalls(const DeferredCalls&) = delete;
  DeferredCalls& operator=(const DeferredCalls&) = delete;

  void attach(os::EventLoop& loop) { loop_ = &loop; }  // borrowed until detach()
  void detach() {
    if (timer_ != 0) loop_->cancel(timer_);
    timer_ = 0;
    loop_ = nullptr;
  }

  void add(std::function<void()> call) {
    if (!loop_) return call();
    calls_.push_back(std::move(call));
    if (timer_ == 0) timer_ = loop_->after(0, [this] { run(); });
  }

 private:
  void run() {
    timer_ = 0;
    while (!calls_.empty()) {
      const std::function<void()> call = std::move(calls_.front());
      calls_.pop_front();
      call();
    }
  }

  os::EventLoop* loop_ = nullptr;
  std::uint64_t timer_ = 0;  // 0: none
  std::deque<std::function<void()>> calls_;
};

}  // namespace furrow::snakefile
