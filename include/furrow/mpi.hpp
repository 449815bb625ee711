// A Pool over MPI: the workers of all ranks, on all the computers that mpirun or srun started the program on.
//
//   #include <furrow/mpi.hpp>
//   int main() {
//     furrow::Pool pool{furrow::mpi()};         // only rank 0 returns from this; the others serve it
//     auto ys = pool.map([](double x) { return x * x; }, xs);
//   }
//
// Start it with mpirun -n 4 ./program, and link with furrow::mpi. All ranks run main() up to the first Pool
// over MPI, whose constructor returns on rank 0 alone. The other ranks run tasks in their own worker
// processes until the program on rank 0 ends, and then exit with status 0. Without mpirun, the program is the
// only rank.
//
// Functions are sent, so they must have no captures or be furrow::bind(f, values...). The call refuses all
// others before it sends anything. Workers see globals as they were on their own rank when the Pool was made.
//
// The first Pool starts MPI unless the program has already done so; MPI ends with the program. Only one Pool
// over MPI can exist at a time. The initializer of a second Pool is sent, like a function.
//
// Errors: PoolError if the ranks run different builds of the program, if MPI has already ended, or if the
// Pool is made in a task. The death of a worker costs one item. The death of a rank ends the whole program:
// MPI offers no alternative.
//
// Thread-safety: as Pool, if MPI was started with at least MPI_THREAD_SERIALIZED, as it is here; otherwise
// only the thread that started MPI may use the Pool.
#pragma once

#include "furrow/backend.hpp"
#include "furrow/detail/abi.hpp"
#include "furrow/pool.hpp"

namespace FURROW_NAMESPACE {

// WORKERS_PER_RANK 0: the cores of each computer are divided among its ranks. ROOT_WORKS false: if there are
// other ranks, rank 0 has no workers and only distributes tasks.
FURROW_API Backend mpi(int workers_per_rank = 0, bool root_works = true);

}  // namespace FURROW_NAMESPACE
