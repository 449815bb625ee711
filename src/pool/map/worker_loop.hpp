// The loop of one worker in a map: claims ranges of indices and runs them until nothing is left.
#pragma once

#include "pool/map/running_map.hpp"

namespace furrow::pool {

// Runs on the worker's own thread.
void run_worker_loop(RunningMap& run, WorkStealingRanges& ranges, int worker);

}  // namespace furrow::pool
