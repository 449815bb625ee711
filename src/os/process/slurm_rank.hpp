// This process as one of several ranks that Slurm's srun has started: what happens if it dies.
//
// Slurm lets a job step go on when one of its tasks dies, unless srun was told --kill-on-bad-exit. The other
// ranks would wait for the dead one for ever. So a keeper (os/process/keeper.hpp) ends the step then, and
// says so. mpirun ends the ranks of a program itself.
#pragma once

#include "os/process/keeper.hpp"

namespace furrow::os {

// Leaves the keeper, once for each rank: before MPI is started, best before anything else. The program enters
// kNeeded when others begin to rely on it. Null where there is no need (srun has started one task, or knows
// nothing of MPI; mpirun stands between; a process of this rank has a keeper already) and where there can be
// none.
Keeper* keep_slurm_rank();

// Whether this is such a rank and has none: if it dies, the others wait, unless srun was told otherwise.
bool lacks_keeper();

}  // namespace furrow::os
