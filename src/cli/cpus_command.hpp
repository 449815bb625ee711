// `furrow cpus`: how many processor cores there are to use, and why not more.
#pragma once

#include <string>
#include <vector>

#include "os/cores/cores.hpp"

namespace furrow::cli {

// ARGUMENTS without the program's and the subcommand's name. The exit code of the process.
int cpus_command(const std::vector<std::string>& arguments);

// What it prints.
std::string cpus_table(const os::CoreFigures& figures);

}  // namespace furrow::cli
