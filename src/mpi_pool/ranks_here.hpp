// How many ranks of the MPI job are on this computer, including this one. All ranks must call it together,
// after MPI has been started.
#pragma once

namespace furrow::mpi_pool {

int ranks_here_by_mpi();

}  // namespace furrow::mpi_pool
