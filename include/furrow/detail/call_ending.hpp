// How a call ends: one word that holds who is told of it, and flags, so that the end of a call which nobody cancels or
// listens to is one locked instruction. Not for direct use.
//
// States: open -> closed (the outcome is final, and no listener is added) -> done (threads that wait go on).
// Thread-safety: any thread may call anything; close() and finish() are called once, in this order.
#pragma once

#include <atomic>
#include <cstdint>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/thread_sanitizer.hpp"

namespace FURROW_NAMESPACE::detail {

class FURROW_API CallEnding {
 public:
  // Who is told of the end. The flags lie in the low bits of its address.
  struct alignas(16) Listener {
    Listener* next;
    bool late;  // after the threads that wait
  };

  bool is_done() const noexcept {
    if ((word_.load(std::memory_order_acquire) & kEnded) != kEnded) return false;
    acquired(&word_);
    return true;
  }

  bool is_cancelled() const noexcept { return (word_.load(std::memory_order_acquire) & kCancelled) != 0; }
  // Notes that the call is cancelled. kNow: until end_cancel(), no other thread closes it.
  enum class Cancel : std::uint8_t { kNow, kBefore, kTooLate };
  Cancel begin_cancel() noexcept;
  void end_cancel() noexcept;

  // False if the call is closed: then the listener is not kept. Else it belongs to the call.
  bool add(Listener* listener) noexcept;

  // Closes the call, when no other thread than one with MAY_CANCEL is between begin_cancel() and end_cancel(). If it was
  // cancelled, MAKE_CANCELLED() is called before. Returns the listener added last. If there is none, the call is done.
  template <class MakeCancelled>
  Listener* close(bool may_cancel, MakeCancelled make_cancelled) noexcept {
    std::uintptr_t seen = word_.load(std::memory_order_acquire);
    bool cancelled = false;
    do {
      if (seen & kBeingCancelled && !may_cancel) seen = wait_for_cancel();
      if (seen & kCancelled && !cancelled) {
        make_cancelled();
        cancelled = true;
      }
      released(&word_);
    } while (!word_.compare_exchange_weak(seen, closed(seen), std::memory_order_acq_rel));
    Listener* const last = listeners_of(seen);
    if (last)
      acquired(&word_);
    else if (seen & kWaited)
      wake();
    return last;
  }
  void finish() noexcept;  // the call is done, after close() has returned a listener

  // Waits until the call is done, or something else has happened, or some time has passed; any time if it is negative.
  void wait(std::int64_t at_most_ns) const noexcept;

  // The listeners of a call that was never closed.
  Listener* left() const noexcept { return listeners_of(word_.load(std::memory_order_acquire)); }

 private:
  // kBeingCancelled: a cancel() uses the call. kWaited: a thread sleeps until the call is done. kDone is a flag only
  // beside kClosed, when the word holds no address.
  static constexpr std::uintptr_t kCancelled = 1, kBeingCancelled = 2, kClosed = 4, kWaited = 8, kDone = 16;
  static constexpr std::uintptr_t kEnded = kClosed | kDone, kFlags = 15;

  static Listener* listeners_of(std::uintptr_t word) noexcept {
    return word & kClosed ? nullptr : reinterpret_cast<Listener*>(word & ~kFlags);
  }
  static std::uintptr_t closed(std::uintptr_t word) noexcept {
    return listeners_of(word) ? (word & (kCancelled | kWaited)) | kClosed : (word & kCancelled) | kEnded;
  }
  std::uintptr_t wait_for_cancel() const noexcept;
  void wake() noexcept;

  mutable std::atomic<std::uintptr_t> word_{0};
};

}  // namespace FURROW_NAMESPACE::detail
