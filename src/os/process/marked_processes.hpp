// Processes that are known by a variable of their environment, wherever they have moved to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace furrow::os {

// The variable of processes that leave the process group of their attempt, as those in a container do. Its value is another
// one for each attempt.
constexpr std::string_view kMarkVariable = "FURROW_CONTAINER";

// For each of MARKS, "NAME=value", the pids of those that have it, zombies not among them. Those of other users cannot be
// seen. Reads /proc once.
std::vector<std::vector<int>> marked_processes(const std::vector<std::string_view>& marks);
// True if there was one.
bool signal_marked(std::string_view mark, int signal);

}  // namespace furrow::os
