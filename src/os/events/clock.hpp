// The two clocks: the time of day, and one for measuring.
#pragma once

#include <cstdint>

namespace furrow::os {

double wall_seconds();                 // since the epoch; may jump
double monotonic_seconds();            // since some moment; never goes back
std::int64_t monotonic_ns() noexcept;  // the same clock
std::int64_t coarse_ns() noexcept;     // the same, some milliseconds late at most, and cheaper to read

}  // namespace furrow::os
