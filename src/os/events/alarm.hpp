// A callback that is due later. However often it is requested, it runs once, at the earliest of the requested
// times, from the loop; after that it can be set again. Borrows the loop; not thread-safe.
#pragma once

#include <cstdint>
#include <functional>

#include "os/events/clock.hpp"
#include "os/events/event_loop.hpp"

namespace furrow::os {

class Alarm {
 public:
  Alarm(EventLoop& loop, std::function<void()> ring) : loop_(loop), ring_(std::move(ring)) {}
  ~Alarm() { loop_.cancel(timer_); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // Rings DELAY_S from now, or earlier if it is set already for an earlier time.
  void set(double delay_s) {
    const double at = monotonic_seconds() + delay_s;
    if (timer_ != 0 && at_ <= at) return;
    loop_.cancel(timer_);
    at_ = at;
    timer_ = loop_.after(delay_s, [this] {
      timer_ = 0;
      ring_();
    });
  }

 private:
  EventLoop& loop_;
  const std::function<void()> ring_;
  std::uint64_t timer_ = 0;  // 0: not set
  double at_ = 0;
};

}  // namespace furrow::os
