// How many workers are worth having.
//
//   int workers = furrow::cpu_count();
//
// Thread-safe. No errors: where the machine tells nothing, the answer is 1 or the number of hardware threads.
// Takes about a millisecond, more on large machines; nothing is remembered, so keep the answer.
#pragma once

namespace furrow {

// The processor cores (or, LOGICAL, the hardware threads) that the calling thread may use: those of the
// machine, limited by its affinity (taskset), the cpuset of its control group (containers, batch systems) and
// the quota of its control group and of all around it (rounded up). At least 1. `furrow cpus` shows the
// figures one by one.
int cpu_count(bool logical = false);

}  // namespace furrow
