// An initializer on its way to other ranks.
#pragma once

#include "furrow/options.hpp"
#include "mpi/bytes.hpp"

namespace furrow::mpi_detail {

void write_initializer(const Initializer& initializer, Writer& to);
Initializer read_initializer(BytesReader& from);

}  // namespace furrow::mpi_detail
