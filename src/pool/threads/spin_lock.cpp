#include "pool/threads/spin_lock.hpp"

#include <thread>

#include "pool/threads/pause.hpp"

namespace furrow::pool {

void SpinLock::lock() noexcept {
  for (int tries = 0; held_.exchange(true, std::memory_order_acquire); ++tries) {
    while (held_.load(std::memory_order_relaxed)) {
      if (++tries < 64)
        pause();
      else
        std::this_thread::yield();  // its holder may be waiting for this core
    }
  }
  detail::acquired(this);
}

}  // namespace furrow::pool
