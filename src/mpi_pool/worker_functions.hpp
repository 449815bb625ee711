// Sends what the workers run first and last, of a Pool's options, to other ranks.
#pragma once

#include "furrow/options.hpp"
#include "pool/bytes_reader.hpp"

namespace furrow::mpi_pool {

void write_worker_functions(const PoolOptions& options, Writer& to);
void read_worker_functions(pool::BytesReader& from, PoolOptions& options);

}  // namespace furrow::mpi_pool
