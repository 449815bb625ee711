// `furrow map`: the same command for many inputs.
#pragma once

#include <string>
#include <vector>

#include "cli/map/map_options.hpp"

namespace furrow::cli {

class Ranks;

// ARGUMENTS without the program's and the subcommand's name. RANKS: where a launcher has started
// several; null: this process is alone. The exit code of the process.
int map_command(const std::vector<std::string>& arguments, Ranks* ranks = nullptr);

// Runs the jobs; all but --dry-run. (map_run.cpp)
int run_map(MapOptions options, Ranks* ranks);

}  // namespace furrow::cli
