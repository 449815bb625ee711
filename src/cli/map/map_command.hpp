// `furrow map`: runs the same command for many inputs.
#pragma once

#include <string>
#include <vector>

#include "cli/map/map_command_options.hpp"

namespace furrow::cli {

class RankSession;

// ARGUMENTS without the names of program and subcommand. RANKS is set if a launcher has started several
// processes; null: this process is alone. Returns the exit code of the process.
int map_command(const std::vector<std::string>& arguments, RankSession* ranks = nullptr);

// Runs the jobs; does everything except --dry-run. (map_command_run.cpp)
int run_map(MapCommandOptions options, RankSession* ranks);

}  // namespace furrow::cli
