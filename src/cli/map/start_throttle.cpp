#include "cli/map/start_throttle.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>

#include "os/events/clock.hpp"

namespace furrow::cli {

namespace {

constexpr double kLookAgain_s = 0.5;  // how often to check load and memory
constexpr double kAfterFailure = 1.3, kAfterSuccess = 0.9;

// How many processes run or wait for a core, as the kernel counts them now, without this one.
double running_processes() {
  std::FILE* const file = std::fopen("/proc/loadavg", "r");
  if (file == nullptr) return 0;
  double running = 1;
  if (std::fscanf(file, "%*f %*f %*f %lf", &running) != 1) running = 1;
  std::fclose(file);
  return running - 1;
}

}  // namespace

std::uint64_t available_memory() {
  std::FILE* const file = std::fopen("/proc/meminfo", "r");
  if (file == nullptr) return std::numeric_limits<std::uint64_t>::max();
  char line[256];
  unsigned long long kilobytes = 0;
  bool found = false;
  while (!found && std::fgets(line, sizeof line, file) != nullptr)
    found = std::sscanf(line, "MemAvailable: %llu", &kilobytes) == 1;
  std::fclose(file);
  return found ? kilobytes * 1024 : std::numeric_limits<std::uint64_t>::max();
}

StartThrottle::StartThrottle(StartThrottleOptions options, plan::Executor& executor, os::EventLoop& loop)
    : options_(options), executor_(executor), loop_(loop) {
  if (options_.memfree > 0) watch_memory();
}

StartThrottle::~StartThrottle() { loop_.cancel(timer_); }

// The load never holds up the first job: nothing of ours could then lower it.
double StartThrottle::hold_s(std::size_t running) {
  const double now = os::monotonic_seconds();
  if (next_start_ > now) return next_start_ - now;
  if (options_.load && running > 0 && running_processes() >= *options_.load) return kLookAgain_s;
  if (options_.memfree > 0 && available_memory() < options_.memfree) return kLookAgain_s;
  if (options_.delay_s > 0) next_start_ = now + options_.delay_s;
  return 0;
}

void StartThrottle::started(plan::JobId job) {
  if (options_.memfree > 0) running_.push_back(job);
}

void StartThrottle::ended(plan::JobId job, bool ok) {
  if (options_.memfree > 0) std::erase(running_, job);
  if (options_.delay_auto) options_.delay_s *= ok ? kAfterSuccess : kAfterFailure;
}

// If less than half of the memory that must be free is free, the youngest job is killed; it may be retried.
void StartThrottle::watch_memory() {
  if (!running_.empty() && available_memory() < options_.memfree / 2) {
    executor_.interrupt(running_.back(), false);
    running_.pop_back();
  }
  timer_ = loop_.after(kLookAgain_s, [this] { watch_memory(); });
}

}  // namespace furrow::cli
