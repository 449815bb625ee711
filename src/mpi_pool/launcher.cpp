#include "mpi_pool/launcher.hpp"

#include <mpi.h>

#include <cstdlib>

namespace furrow::mpi_pool {

namespace {

struct Launcher {
  const char* name;
  const char* size;  // the variable with the number of ranks
  const char* rank;  // another variable, which only a rank has
};

// The first that is there counts: it is the innermost.
constexpr Launcher kLaunchers[] = {
    {"OpenMPI's mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
    {"the mpirun of MPICH or Intel MPI, or srun --mpi=pmi2,", "PMI_SIZE", "PMI_RANK"},
    {"srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
};

#if defined(OPEN_MPI)
constexpr const char* kLibrary = "OpenMPI";
constexpr const char* kAdvice = "Start it with OpenMPI's mpirun (mpirun.openmpi), or with srun --mpi=pmix";
#else
constexpr const char* kLibrary = "MPICH or another MPI that is not OpenMPI";
constexpr const char* kAdvice = "Start it with that MPI's own mpirun";
#endif

}  // namespace

std::string foreign_launcher(int size) {
  if (size != 1) return "";
  for (const Launcher& each : kLaunchers) {
    const char* const started = std::getenv(each.size);
    if (!started || !std::getenv(each.rank)) continue;
    const int ranks = std::atoi(started);
    if (ranks <= 1) return "";
    return std::string(each.name) + " has started this program " + std::to_string(ranks) + " times (" +
           each.size + "), but it is built with " + kLibrary +
           ", for which each of them is alone, and would do all the work. " + kAdvice +
           ". If it is meant to be alone, unset " + each.size;
  }
  return "";
}

}  // namespace furrow::mpi_pool
