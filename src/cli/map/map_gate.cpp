#include "cli/map/map_gate.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>

#include "os/events/clock.hpp"

namespace furrow::cli {

namespace {

constexpr double kLookAgain_s = 0.5;  // at the load, at the memory
constexpr double kAfterFailure = 1.3, kAfterSuccess = 0.9;

// Processes that run or want to, as the kernel counts them now, without this one.
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

MapGate::MapGate(GateOptions options, plan::Executor& executor, os::EventLoop& loop)
    : options_(options), executor_(executor), loop_(loop) {
  if (options_.memfree > 0) watch_memory();
}

MapGate::~MapGate() { loop_.cancel(timer_); }

// The first job always starts: what it waits for may be what nobody else gives.
double MapGate::hold_s(std::size_t running) {
  const double now = os::monotonic_seconds();
  if (next_start_ > now) return next_start_ - now;
  if (options_.load && running > 0 && running_processes() >= *options_.load) return kLookAgain_s;
  if (options_.memfree > 0 && available_memory() < options_.memfree) return kLookAgain_s;
  if (options_.delay_s > 0) next_start_ = now + options_.delay_s;
  return 0;
}

void MapGate::started(plan::JobId job) {
  if (options_.memfree > 0) running_.push_back(job);
}

void MapGate::ended(plan::JobId job, bool ok) {
  if (options_.memfree > 0) std::erase(running_, job);
  if (options_.delay_auto) options_.delay_s *= ok ? kAfterSuccess : kAfterFailure;
}

// With less than half of what is to be free, the youngest job has to go; it may be tried again.
void MapGate::watch_memory() {
  if (!running_.empty() && available_memory() < options_.memfree / 2) {
    executor_.interrupt(running_.back(), false);
    running_.pop_back();
  }
  timer_ = loop_.after(kLookAgain_s, [this] { watch_memory(); });
}

}  // namespace furrow::cli
