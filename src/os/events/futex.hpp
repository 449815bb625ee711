// Lets a thread sleep until another thread or process changes a 32-bit word.
//
// Scope::kShared: the word lies in memory shared by processes. Scope::kPrivate: only threads of one process
// use it; a little cheaper. Waiter and waker must use the same scope.
//
// Thread-safe. A waiter that dies leaves nothing to clean up. Safe to call from a signal handler and between
// fork and exec.
// Errors: none; a wait may always return early, so check the word again in a loop. Units: nanoseconds.
#pragma once

#include <atomic>
#include <cstdint>

namespace furrow::os {

enum class Scope : bool { kShared, kPrivate };

constexpr std::int64_t kNoTimeout = -1;

// How long to look at a word again and again before sleeping on it. To put a thread to sleep and wake it takes
// about as long (60 us where this was measured), so spinning at most doubles the cost of a wait, and a wait that
// is shorter costs no system call.
constexpr std::int64_t kSpinNs = 50'000;

// Sleeps while WORD holds EXPECTED, until woken, interrupted by a signal, or timed out; returns at once if
// WORD holds another value. False after a timeout, else true. Uses the monotonic clock.
bool futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::int64_t timeout_ns = kNoTimeout, Scope scope = Scope::kShared);

// Wakes at most MOST waiters and returns how many it woke.
int futex_wake(const std::atomic<std::uint32_t>& word, int most = 1, Scope scope = Scope::kShared);
int futex_wake_all(const std::atomic<std::uint32_t>& word, Scope scope = Scope::kShared);

}  // namespace furrow::os
