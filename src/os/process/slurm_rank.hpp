// Ends the job step when this process, one of several ranks that Slurm's srun has started, dies.
//
// Slurm lets a job step go on when one of its tasks dies, unless srun was given --kill-on-bad-exit. The other
// ranks would wait for the dead one forever. So a supervisor (os/process/supervisor.hpp) ends the step and
// says so. mpirun itself ends the ranks of a program.
#pragma once

#include "os/process/supervisor.hpp"

namespace furrow::os {

// Starts the supervisor, once for each rank: before MPI is started, best before anything else. The program
// enters kNeeded when other ranks begin to rely on it. Null if none is needed (srun has started one task, or
// does not use PMIx; mpirun has started the ranks; a process of this rank has a supervisor already) and if
// none is possible.
Supervisor* supervise_slurm_rank();

// Whether this is such a rank without a supervisor: if it dies, the others wait, unless srun was told
// otherwise.
bool lacks_supervisor();

}  // namespace furrow::os
