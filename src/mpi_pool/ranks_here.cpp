#include "mpi_pool/ranks_here.hpp"

#include <mpi.h>

namespace furrow::mpi_pool {

int ranks_here_by_mpi() {
  MPI_Comm here = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
  int ranks = 1;
  MPI_Comm_size(here, &ranks);
  MPI_Comm_free(&here);
  return ranks;
}

}  // namespace furrow::mpi_pool
