// `furrow watch`: what the engines that run in a folder do, in another terminal or on another node.
#pragma once

#include <string>
#include <vector>

namespace furrow::cli {

// Returns the exit code: 1 if the folder has no store, 2 for a mistake in the arguments.
int watch_command(const std::vector<std::string>& arguments);

}  // namespace furrow::cli
