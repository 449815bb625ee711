#include "channel/wait.hpp"

#include <sched.h>

#include <algorithm>

#include "os/events/clock.hpp"

namespace furrow::channel {

namespace {

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

}  // namespace

std::int64_t default_spin_ns() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1) return 0;
  return os::kSpinNs;
}

std::uint32_t this_processor() { return static_cast<std::uint32_t>(::sched_getcpu()); }

void wake_if_parked(std::atomic<std::uint32_t>& waiting) {
  if (waiting.load(std::memory_order_seq_cst) == 0) return;
  if (waiting.exchange(0, std::memory_order_seq_cst) != 0) os::futex_wake(waiting);
}

void wake_anyway(std::atomic<std::uint32_t>& waiting) {
  waiting.store(0);
  os::futex_wake(waiting);
}

Waiting::Waiting(const Patience& patience, std::int64_t spin_ns)
    : patience_(patience), spin_ns_(spin_ns), start_ns_(os::monotonic_ns()) {
  if (patience.timeout_ns >= 0) spin_ns_ = std::min(spin_ns_, patience.timeout_ns);
}

bool Waiting::may_spin() {
  if (spin_ns_ <= 0) return false;
  pause_briefly();
  // Reading the clock takes about as long as a look at the peer's line, so doing it each time costs little.
  return os::monotonic_ns() - start_ns_ < spin_ns_;
}

std::int64_t Waiting::left_ns() {
  if (patience_.timeout_ns < 0) return os::kNoTimeout;
  return std::max<std::int64_t>(0, patience_.timeout_ns - (os::monotonic_ns() - start_ns_));
}

}  // namespace furrow::channel
