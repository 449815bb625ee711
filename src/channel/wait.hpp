// How the two sides of a channel wait for each other: spin briefly, then sleep on a futex word.
//
// A side that goes to sleep writes 1 into its own waiting word. The other side looks at that word after each
// change, and makes the system call only if it is 1. No wake-up is lost: each side writes first and then
// reads what the other writes, in one total order (memory_order_seq_cst on all four accesses), so at least
// one of them sees the other's write.
//
//   awake (0) --parks: stores 1, looks again, sleeps--> parked (1) --waker: exchanges for 0, wakes--> awake
//                                                       parked (1) --timeout, signal: stores 0 ------> awake
//
// A side that dies while it is parked leaves a 1 behind, which costs its peer one needless system call.
#pragma once

#include <atomic>
#include <cstdint>

#include "os/events/futex.hpp"

namespace furrow::channel {

enum class Status : std::uint8_t {
  kOk,
  kTimeout,    // not within the given time; may be tried again
  kCancelled,  // the caller's own cancelled word was set; may be tried again
  kClosed,     // the peer closed its side, and nothing is left
  kPeerDied,   // the peer was reported dead, and nothing complete is left
  kTorn,       // the bytes end in the middle of a message, or are corrupt
};

// os::kSpinNs, or 0 if this process has only one processor: the peer could not run while it spins.
std::int64_t default_spin_ns();

// The processor on which this thread runs now. Takes about a nanosecond.
std::uint32_t this_processor();
constexpr std::uint32_t kNoProcessor = ~std::uint32_t{0};

// How long a caller waits, and what ends the wait early.
struct Patience {
  std::int64_t timeout_ns = os::kNoTimeout;  // 0: do not wait at all
  // May be null. Ends the wait with kCancelled when it is not 0. A sleeper sees that only when it is woken:
  // store the word (seq_cst, the default), then wake the sleeper (Ring::nudge, Doorbell::nudge).
  const std::atomic<std::uint32_t>* cancelled = nullptr;
};

constexpr Patience kAtOnce{0, nullptr};

// Wakes the side that sleeps on WAITING, if it does. Call it after the change that it waits for, which must
// be stored seq_cst.
void wake_if_parked(std::atomic<std::uint32_t>& waiting);

// Wakes it whatever the word says: it may have been overwritten.
void wake_anyway(std::atomic<std::uint32_t>& waiting);

// The clock of one wait: how long to spin, then how long to sleep.
class Waiting {
 public:
  Waiting(const Patience& patience, std::int64_t spin_ns);

  bool cancelled() const { return patience_.cancelled && patience_.cancelled->load() != 0; }
  bool may_spin();         // pauses briefly; false: time to park, or to give up
  std::int64_t left_ns();  // how long to sleep; kNoTimeout: no limit; 0: the time is over

 private:
  const Patience& patience_;
  std::int64_t spin_ns_;
  std::int64_t start_ns_;
};

// Waits until READY() returns kOk or another final status; it returns kTimeout for "not yet".
template <class Ready>
Status wait_until(std::atomic<std::uint32_t>& waiting, const Patience& patience, std::int64_t spin_ns,
                  Ready ready) {
  Status status = ready();
  if (status != Status::kTimeout || patience.timeout_ns == 0) return status;
  Waiting wait(patience, spin_ns);
  while (wait.may_spin()) {
    if ((status = ready()) != Status::kTimeout) return status;
    if (wait.cancelled()) return Status::kCancelled;
  }
  for (;;) {
    waiting.store(1, std::memory_order_seq_cst);
    status = ready();
    if (status == Status::kTimeout && wait.cancelled()) status = Status::kCancelled;
    const std::int64_t left = status == Status::kTimeout ? wait.left_ns() : 0;
    if (left != 0) os::futex_wait(waiting, 1, left);
    waiting.store(0, std::memory_order_relaxed);
    if (left == 0) return status;
  }
}

}  // namespace furrow::channel
