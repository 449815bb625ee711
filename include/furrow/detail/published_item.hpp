// The item that a worker is about to run, kept where its parent can read it after the worker has died.
//
// The worker stores the number before it runs the item, and after everything that belongs to the item before it:
// the bytes of that item's result, the record of its failure. So the parent of a dead worker knows which item
// killed it, and that all results before that one are complete.
//
// Why relaxed stores are enough: the parent relies on the value only after it has reaped the worker, and when a
// process has ended, all of its stores are visible. The order that matters is the one in which the worker's own
// compiled code makes them, so only the compiler must be kept from moving stores across publish(): that is what
// the signal fence does, at no cost. The watch over time limits reads the value while the worker runs; it needs
// nothing but a whole number.
//
// One writer: the worker. Zero-initialized shared memory must be cleared before use.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "furrow/detail/abi.hpp"

namespace FURROW_NAMESPACE::detail {

class PublishedItem {
 public:
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

  void publish(std::uint64_t item) noexcept {
    std::atomic_signal_fence(std::memory_order_release);
    item_.store(item, std::memory_order_relaxed);
  }
  void clear() noexcept { publish(kNone); }
  std::uint64_t load() const noexcept { return item_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> item_{kNone};
};

}  // namespace FURROW_NAMESPACE::detail
