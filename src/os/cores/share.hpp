// What one of several processes of a job may take of the computer on which they are, where they share it
// evenly: cores and memory that this process may use, by affinity, control groups and Slurm's word.
//
// PROCESSES: that many share it, this one included. Thread-safe; nothing is remembered.
#pragma once

#include <cstdint>

#include "os/cores/cores.hpp"

namespace furrow::os {

Cores share_of_cores(int processes);             // at least one of each kind
std::int64_t share_of_memory_mb(int processes);  // 0: not known

}  // namespace furrow::os
