#include "os/events/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace furrow::os {

static_assert(sizeof(std::atomic<std::uint32_t>) == 4 && std::atomic<std::uint32_t>::is_always_lock_free);

namespace {

long futex(const std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const timespec* timeout, Scope scope) {
  if (scope == Scope::kPrivate) operation |= FUTEX_PRIVATE_FLAG;
  return ::syscall(SYS_futex, &word, operation, value, timeout, nullptr, 0);
}

}  // namespace

bool futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, std::int64_t timeout_ns,
                Scope scope) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const timespec timeout{timeout_ns / kSecond, timeout_ns % kSecond};
  return futex(word, FUTEX_WAIT, expected, timeout_ns < 0 ? nullptr : &timeout, scope) == 0 ||
         errno != ETIMEDOUT;
}

int futex_wake(const std::atomic<std::uint32_t>& word, int most, Scope scope) {
  const long woken = futex(word, FUTEX_WAKE, static_cast<std::uint32_t>(most), nullptr, scope);
  return woken < 0 ? 0 : static_cast<int>(woken);
}

int futex_wake_all(const std::atomic<std::uint32_t>& word, Scope scope) {
  return futex_wake(word, INT_MAX, scope);
}

}  // namespace furrow::os
