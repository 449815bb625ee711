// What MPI launchers (mpirun, mpiexec, srun) set in the environment of the processes that they start.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"

namespace furrow::cli {

// A launcher that has started this command several times.
struct Launched {
  std::string by;        // "mpirun"
  std::string variable;  // the variable that says how many times
  int size = 0;
  bool has_mpi = false;  // whether, by the environment, MPI can find the other processes
};
std::optional<Launched> launched_several_times();

// The error that refuses to start, because each process would do all the work. WHY says why they cannot share
// it.
Error refuse_several_ranks(const Launched& launched, const std::string& why);

// Removes what a launcher has set from this process's environment, so that child processes may start MPI
// themselves. Does nothing if no launcher has started this process.
void forget_launcher();

}  // namespace furrow::cli
