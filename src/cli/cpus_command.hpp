// `furrow cpus`: how many processor cores can be used, and what limits them.
#pragma once

#include <string>
#include <vector>

#include "os/cores/cores.hpp"

namespace furrow::cli {

// ARGUMENTS without the names of program and subcommand. Returns the exit code of the process.
int cpus_command(const std::vector<std::string>& arguments);

// The table that it prints.
std::string cpus_table(const os::CoreFigures& figures);

}  // namespace furrow::cli
