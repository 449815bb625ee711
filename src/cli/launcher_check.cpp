#include "cli/launcher_check.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace furrow::cli {

namespace {

struct Launcher {
  const char* name;
  const char* size;  // the variable with the number of ranks
  const char* rank;  // another variable that only a rank has
};

constexpr std::array<Launcher, 3> kLaunchers{{
    {"mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
    {"mpiexec", "PMI_SIZE", "PMI_RANK"},
    {"srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
}};

bool has(const char* variable) { return std::getenv(variable) != nullptr; }

// OpenMPI's and PMIx's own settings are dropped too, since those of the user cannot be told from those of
// mpirun. A user can put settings for all MPI programs into OpenMPI's files, or set them again in the job.
bool is_of_launcher(std::string_view name) {
  if (name.starts_with("OMPI_ALLOW_RUN_AS_ROOT")) return false;
  if (name == "FURROW_KEPT_RANK") return true;
  for (const std::string_view prefix :
       {"OMPI_", "PMIX_", "PMI_", "PRTE_", "ORTE_", "HYDRA_", "HYDI_", "MPI_LOCAL", "SLURM_PMIX",
        "SLURM_STEP", "SLURM_SRUN_", "SLURM_CPU_BIND", "SLURM_MEM_BIND"}) {
    if (name.starts_with(prefix)) return true;
  }
  // Under these old names OpenMPI takes the allocation for its own, but a job has only its share of one node.
  constexpr std::string_view kOfStep[] = {
      "SLURM_JOBID",          "SLURM_NODELIST",        "SLURM_PROCID",
      "SLURM_LOCALID",        "SLURM_NODEID",          "SLURM_GTIDS",
      "SLURM_TASK_PID",       "SLURM_MPI_TYPE",        "SLURM_NPROCS",
      "SLURM_NTASKS",         "SLURM_NNODES",          "SLURM_DISTRIBUTION",
      "SLURM_TASKS_PER_NODE", "SLURM_NTASKS_PER_NODE", "SLURM_LAUNCH_NODE_IPADDR"};
  return std::find(std::begin(kOfStep), std::end(kOfStep), name) != std::end(kOfStep);
}

}  // namespace

std::optional<Launched> launched_several_times() {
  for (const Launcher& each : kLaunchers) {
    const char* const size = std::getenv(each.size);
    if (!size || !has(each.rank) || std::atoi(size) <= 1) continue;
    return Launched{each.name, each.size, std::atoi(size),
                    has("OMPI_COMM_WORLD_RANK") || has("PMIX_RANK") || has("PMI_RANK")};
  }
  return std::nullopt;
}

Error refuse_several_ranks(const Launched& launched, const std::string& why) {
  return Error{.message = launched.by + " has started this command " + std::to_string(launched.size) +
                          " times (" + launched.variable +
                          "), and each of them would do all the work, because " + why,
               .hint = (launched.by == "srun" ? std::string("Use srun --mpi=pmix, or start it once, without ")
                                              : std::string("Start it once, without ")) +
                       launched.by +
                       ": it uses all cores that it may, and --executor slurm uses more nodes. A program "
                       "of your own under " +
                       launched.by + " can start it after unsetting " + launched.variable + "."};
}

void forget_launcher() {
  if (!has("OMPI_COMM_WORLD_RANK") && !has("PMIX_RANK") && !has("PMI_RANK")) return;
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    if (is_of_launcher(name)) names.emplace_back(name);
  }
  for (const std::string& name : names) ::unsetenv(name.c_str());
}

}  // namespace furrow::cli
