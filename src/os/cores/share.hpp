// The share of one process in the cores and memory of its computer, when several processes of one job divide
// them evenly. Affinity, control groups and Slurm's allocation limit what there is to divide.
//
// PROCESSES is how many processes share the computer, this one included. Thread-safe; nothing is cached.
#pragma once

#include <cstdint>

#include "os/cores/cores.hpp"

namespace furrow::os {

Cores share_of_cores(int processes);  // at least one of each kind
// usable_cores(), but no more than Slurm has given to the job in which this process runs: a cluster need not
// bind its jobs to their cores.
Cores cores_of_job();
std::int64_t share_of_memory_mb(int processes);  // 0: unknown

}  // namespace furrow::os
