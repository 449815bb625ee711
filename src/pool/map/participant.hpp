// One worker's part in a map: claims stretches and runs them until nothing is left.
#pragma once

#include "pool/map/map_run.hpp"

namespace furrow::pool {

std::int64_t steady_ns() noexcept;

// Runs on the worker's own thread.
void participate(MapRun& run, RangeBoard& board, int worker);

}  // namespace furrow::pool
