// Closing all descriptors but a few, in a process that was forked to do something else.
#pragma once

#include <vector>

namespace furrow::os {

// Closes every descriptor from 3 on that is not in KEPT. Works too where the system call close_range() is refused,
// as in older containers, or is missing.
void close_all_but(std::vector<int> kept);

}  // namespace furrow::os
