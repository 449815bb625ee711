// Sleeping until another thread or process changes a 32-bit word.
//
// Scope::kShared: the word lies in memory that processes share. Scope::kPrivate: all who use it are threads
// of one process; a little cheaper. Waiter and waker must name the same scope.
//
// Thread-safety: free for all. A waiter that dies leaves nothing behind. Safe to call from a signal handler
// and between fork and exec.
// Errors: none; a wait may always return early, so look at the word again in a loop. Units: nanoseconds.
#pragma once

#include <atomic>
#include <cstdint>

namespace furrow::os {

enum class Scope : bool { kShared, kPrivate };

constexpr std::int64_t kNoTimeout = -1;

// Sleeps while WORD holds EXPECTED, until woken, interrupted by a signal, or the time is over; returns at
// once where it holds something else. False when the time is over, else true. The clock is the monotonic one.
bool futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::int64_t timeout_ns = kNoTimeout, Scope scope = Scope::kShared);

// Wakes at most MOST waiters; how many it were.
int futex_wake(const std::atomic<std::uint32_t>& word, int most = 1, Scope scope = Scope::kShared);
int futex_wake_all(const std::atomic<std::uint32_t>& word, Scope scope = Scope::kShared);

}  // namespace furrow::os
