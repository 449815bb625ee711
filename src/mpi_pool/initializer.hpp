// Sends an initializer to other ranks.
#pragma once

#include "furrow/options.hpp"
#include "remote/bytes.hpp"

namespace furrow::mpi_pool {

void write_initializer(const Initializer& initializer, Writer& to);
Initializer read_initializer(pool::BytesReader& from);

}  // namespace furrow::mpi_pool
