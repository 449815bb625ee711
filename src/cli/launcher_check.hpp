// What MPI launchers (mpirun, mpiexec, srun) say in the environment of what they start.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"

namespace furrow::cli {

// One launcher has started this command several times.
struct Launched {
  std::string by;        // "mpirun"
  std::string variable;  // that says how often
  int size = 0;
  bool has_mpi = false;  // as far as the environment tells, MPI can find the others
};
std::optional<Launched> launched_several_times();

// Each of them would do all the work: why that is not done, with the reason why they cannot share it.
Error refuse_several_ranks(const Launched& launched, const std::string& why);

// Takes what a launcher has set out of this process's environment, so that what it starts may itself start
// MPI. Nothing where no launcher has started it.
void forget_launcher();

}  // namespace furrow::cli
