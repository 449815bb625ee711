// A Pool over MPI: the workers of all ranks, on all the computers that mpirun or srun started the program on.
//
//   #include <furrow/mpi.hpp>
//   int main() {
//     furrow::Pool pool{furrow::mpi()};         // rank 0 goes on here; all others serve it, and end with it
//     auto ys = pool.map([](double x) { return x * x; }, xs);
//   }
//
// mpirun -n 4 ./program. Link with furrow::mpi. All ranks run main() up to the first Pool over MPI; its
// constructor returns on rank 0 alone. Other ranks run tasks in worker processes of theirs until rank 0's
// program ends, and then leave with exit(0). Without mpirun, the program is the only rank.
//
// Functions are sent: they have no captures, or are furrow::bind(f, values...). All else is refused by the
// call, before anything is sent. Workers see globals as they were on their own rank when the Pool was made.
//
// MPI is started with the first Pool, unless the program has done that, and ended with the program. One Pool
// over MPI can be alive at a time. An initializer of a second Pool is sent, like a function.
//
// Errors: PoolError where ranks run different builds of the program, where MPI was ended before, and in a
// task. The death of a worker costs one item. The death of a rank ends all: MPI knows no other way.
//
// Thread-safety: as Pool, where MPI was started with MPI_THREAD_SERIALIZED at least, as it is here; otherwise
// only the thread that started MPI may use the Pool.
#pragma once

#include "furrow/backend.hpp"
#include "furrow/pool.hpp"

namespace furrow {

// WORKERS_PER_RANK 0: this rank's share of the cores of its computer. ROOT_WORKS false: rank 0 has no workers
// where there are other ranks, and only hands out work.
Backend mpi(int workers_per_rank = 0, bool root_works = true);

}  // namespace furrow
