// Functions that run in the rank processes themselves, on the data that live there (furrow/partitioned.hpp).
#pragma once

#include "remote/bytes.hpp"

namespace furrow::mpi_pool {

// Sets this process's rank, and how many workers an operation has here.
void set_rank_here(int rank, int workers);
void drop_all_parts();

// Runs the operation that RECORD names. Writes the reply: 0 and the operation's result, or 1 and its Failure.
void run_operation(pool::BytesReader record, Writer& reply);

}  // namespace furrow::mpi_pool
