#include "cli/launcher_check.hpp"

#include <array>
#include <cstdlib>
#include <string>

namespace furrow::cli {

namespace {

struct Launcher {
  const char* name;
  const char* size;  // the variable that holds the number of ranks
  const char* rank;  // which is there too, where this process is one of them
};

constexpr std::array<Launcher, 3> kLaunchers{{
    {"mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
    {"mpiexec", "PMI_SIZE", "PMI_RANK"},
    {"srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
}};

}  // namespace

std::optional<Error> refuse_several_ranks() {
  for (const Launcher& each : kLaunchers) {
    const char* const size = std::getenv(each.size);
    if (!size || !std::getenv(each.rank) || std::atoi(size) <= 1) continue;
    return Error{
        .message = std::string(each.name) + " has started this command " + size + " times (" + each.size +
                   "), and each of them would do all the work",
        .hint = "Start it once, without " + std::string(each.name) +
                ": it uses all cores that it may, and --executor slurm takes more nodes. A program of "
                "yours under " +
                each.name + " can start it after unsetting " + each.size + "."};
  }
  return std::nullopt;
}

}  // namespace furrow::cli
