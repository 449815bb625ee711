// Functions that run in the ranks themselves, on the data that live there (furrow/partitioned.hpp).
#pragma once

#include "mpi/bytes.hpp"

namespace furrow::mpi_detail {

// Of this process: its rank, and how many workers an operation has here.
void set_rank_here(int rank, int workers);
void drop_all_parts();

// Runs what RECORD names, and writes its reply: 0 and what it wrote, or 1 and the Failure that it ended with.
void run_operation(BytesReader record, Writer& reply);

}  // namespace furrow::mpi_detail
