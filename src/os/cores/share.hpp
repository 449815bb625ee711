// The share of one process in the cores and memory of its computer, when several processes of one job divide
// them evenly. Affinity, control groups and Slurm's allocation limit what there is to divide.
//
// PROCESSES is how many processes share the computer, this one included. Thread-safe; nothing is cached.
#pragma once

#include <cstdint>

#include "os/cores/cores.hpp"

namespace furrow::os {

Cores share_of_cores(int processes);             // at least one of each kind
std::int64_t share_of_memory_mb(int processes);  // 0: unknown

}  // namespace furrow::os
