#include "os/events/clock.hpp"

#include <ctime>

namespace furrow::os {

namespace {
double seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}
}  // namespace

double wall_seconds() { return seconds(CLOCK_REALTIME); }

double monotonic_seconds() { return seconds(CLOCK_MONOTONIC); }

}  // namespace furrow::os
