// Whether the program that has started this one counts its ranks otherwise than MPI does.
#pragma once

#include <string>

namespace furrow::mpi_pool {

// Empty if the launcher's environment variables fit a program of SIZE ranks. Otherwise the launcher belongs to
// another MPI than the one this program is built with: each of its processes believes to be alone, and would do all
// the work. Returns what to say then.
std::string foreign_launcher(int size);

}  // namespace furrow::mpi_pool
