// The cluster's job in which the engine itself may run, and what it has set in the environment.
//
// The jobs that the engine submits get a copy of its environment. There the variables of the outer job would
// mislead the batch system's commands, the runner and the jobs: about their names, their share of a node, their
// devices.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace furrow::exec {

// Whether a job of Slurm has set the variable for itself, and not the user for all that they do with Slurm.
bool is_of_outer_job(std::string_view name);

// Of ENVIRONMENT ("NAME=VALUE"), what the commands of a batch system are to see: all of it, if the engine runs
// outside of any job.
std::vector<std::string> without_outer_job(const std::vector<std::string>& environment);

}  // namespace furrow::exec
