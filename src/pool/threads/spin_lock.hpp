// A lock for a few stores. Threads that wait for it use their processors.
#pragma once

#include <atomic>

#include "furrow/detail/thread_sanitizer.hpp"

namespace furrow::pool {

class SpinLock {
 public:
  void lock() noexcept;
  void unlock() noexcept {
    detail::released(this);
    held_.store(false, std::memory_order_release);
  }
  // The same; and in the single order of all seq_cst operations, this thread's later reads come after it.
  void unlock_fenced() noexcept {
    detail::released(this);
    held_.exchange(false, std::memory_order_seq_cst);
  }

 private:
  std::atomic<bool> held_{false};
};

}  // namespace furrow::pool
