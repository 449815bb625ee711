// How the two sides of a channel wait for each other: spin briefly, then sleep on a futex word.
//
// A sleeping side writes 1 into its own waiting word; the other side, after each change it makes, looks at
// that word and makes the system call only if it is 1. No wake-up is lost: both sides first write and then
// read what the other writes, in one total order (memory_order_seq_cst on all four accesses), so at least one
// of them sees the other.
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
  kTimeout,    // not within the time given; may be tried again
  kCancelled,  // the caller's own word says so; may be tried again
  kClosed,     // the peer closed its side in good order, and nothing is left
  kPeerDied,   // the peer was reported dead, and nothing whole is left
  kTorn,       // the bytes end in the middle of a message, or the peer wrote nonsense before it died
};

const char* to_string(Status status);

// About what a sleeping thread needs to wake up on the machines this was measured on (60 us), less some.
constexpr std::int64_t kSpinNs = 20'000;

// kSpinNs, or 0 where this process has one processor and the peer could not run meanwhile.
std::int64_t default_spin_ns();

// Where this thread runs right now; about a nanosecond.
std::uint32_t this_processor();
constexpr std::uint32_t kNoProcessor = ~std::uint32_t{0};

// How long a caller waits, and what ends the wait early.
struct Patience {
  std::int64_t timeout_ns = os::kNoTimeout;  // 0: do not wait at all
  // Ends the wait with kCancelled when it is not 0. A sleeper learns of it only when it is woken: store
  // the word (seq_cst, the default), then wake the sleeper (Ring::nudge, Doorbell::nudge). Null: none.
  const std::atomic<std::uint32_t>* cancelled = nullptr;
};

constexpr Patience kAtOnce{0, nullptr};

// Wakes the side that sleeps on WAITING, if it does. After the change that it waits for (stored seq_cst).
void wake_if_parked(std::atomic<std::uint32_t>& waiting);

// Measures one wait: spinning first, then parked, until the time is over. READY is asked again and again.
class Waiting {
 public:
  Waiting(const Patience& patience, std::int64_t spin_ns);

  bool cancelled() const { return patience_.cancelled && patience_.cancelled->load() != 0; }
  bool may_spin();         // a moment has passed; false: time to park, or to give up
  std::int64_t left_ns();  // for the sleep; kNoTimeout: for ever; 0: the time is over

 private:
  const Patience& patience_;
  std::int64_t spin_ns_;
  std::int64_t start_ns_;  // of the wait
};

// READY() tells whether what was waited for has come: kOk or a final status, or kTimeout for not yet.
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
