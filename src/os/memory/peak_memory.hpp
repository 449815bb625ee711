// The peak memory of a running process, seen from outside.
#pragma once

#include <cstdint>

namespace furrow::os {

// The peak resident memory so far of the process and of those that it started: the largest of any one, as in
// getrusage(). 0 if the process is gone.
std::int64_t peak_of_tree_kb(int pid);

}  // namespace furrow::os
