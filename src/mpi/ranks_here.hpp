// How many ranks of the job are on this computer, this one included. All ranks call it, where MPI runs.
#pragma once

namespace furrow::mpi_detail {

int ranks_here_by_mpi();

}  // namespace furrow::mpi_detail
