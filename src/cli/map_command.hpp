// `furrow map`: the same command for many inputs.
#pragma once

#include <string>
#include <vector>

#include "cli/map_options.hpp"

namespace furrow::cli {

// ARGUMENTS without the program's and the subcommand's name. The exit code of the process.
int map_command(const std::vector<std::string>& arguments);

// Runs the jobs; all but --dry-run. (map_run.cpp)
int run_map(MapOptions options);

}  // namespace furrow::cli
