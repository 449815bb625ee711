// How much memory a process holds at most, seen from outside while it runs.
#pragma once

#include <cstdint>

namespace furrow::os {

// The peak resident memory so far of the process and of those that it started: the largest of any one, as
// getrusage() counts. 0 where there is nothing to see any more.
std::int64_t peak_of_tree_kb(int pid);

}  // namespace furrow::os
