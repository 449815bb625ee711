// The two clocks: what a person reads off the wall, and what measures.
#pragma once

namespace furrow::os {

double wall_seconds();       // since the epoch; may jump
double monotonic_seconds();  // since some moment; never goes back

}  // namespace furrow::os
