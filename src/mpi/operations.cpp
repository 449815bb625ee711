#include "mpi/operations.hpp"

#include "furrow/detail/function_place.hpp"
#include "pool/crew_wire.hpp"
#include "pool/failure.hpp"

namespace furrow::mpi_detail {

void run_operation(BytesReader record, Writer& reply) {
  Bytes result;
  std::uint64_t failed = 0;
  try {
    auto* const operation = detail::read_place<void(Reader&, Writer&)>(record);
    operation(record, result);
  } catch (...) {
    failed = 1;
    result.clear();
    pool::encode_failure(result, pool::current_failure());
  }
  reply.write(&failed, sizeof failed);
  reply.write(result.data(), result.size());
}

}  // namespace furrow::mpi_detail
