// How many workers are worth having.
//
//   int workers = furrow::cpu_count();
//
// Thread-safe. No errors: if the system gives no figures, the answer is 1 or the number of hardware threads.
// A call reads a few small files of the kernel, one for each core: a tenth of a millisecond on 2 cores. Nothing is
// cached.
#pragma once

#include "furrow/detail/abi.hpp"

namespace FURROW_NAMESPACE {

// The number of processor cores (if LOGICAL, of hardware threads) that the calling thread may use: those of
// the machine, limited by the thread's affinity (taskset), the cpuset of its control group (containers, batch
// systems) and the CPU quotas of its control group and all parent groups (rounded up). At least 1.
// `furrow cpus` shows each of these figures.
FURROW_API int cpu_count(bool logical = false);

}  // namespace FURROW_NAMESPACE
