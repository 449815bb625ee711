#include "os/events/clock.hpp"

#include <ctime>

namespace furrow::os {

namespace {

std::int64_t nanoseconds(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace

double wall_seconds() { return static_cast<double>(nanoseconds(CLOCK_REALTIME)) * 1e-9; }

double monotonic_seconds() { return static_cast<double>(monotonic_ns()) * 1e-9; }

std::int64_t monotonic_ns() noexcept { return nanoseconds(CLOCK_MONOTONIC); }

std::int64_t coarse_ns() noexcept { return nanoseconds(CLOCK_MONOTONIC_COARSE); }

}  // namespace furrow::os
