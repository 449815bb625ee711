// Callbacks that run from an event loop only, never inside the call that caused them, and in the order in
// which they came. Where there is no loop they run at once. A callback may add others, which run in the same
// turn; none may destroy the object. What has not run when the object or the loop goes is dropped. Not
// thread-safe.
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
