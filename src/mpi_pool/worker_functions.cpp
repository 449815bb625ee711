#include "mpi_pool/worker_functions.hpp"

#include <cstdint>
#include <memory>

#include "furrow/detail/function_address.hpp"
#include "remote/bytes.hpp"

namespace furrow::mpi_pool {

namespace {

// Its address and the number of bytes of its bound values, then those; a length of 0 means that there is none.
void write(const WorkerFunction& function, Writer& to) {
  remote::Bytes bytes;
  if (function) {
    detail::write_function_address(bytes, function.run_sent());
    function.encode(bytes);
  }
  const std::uint64_t size = bytes.size();
  to.write(&size, sizeof size);
  to.write(bytes.data(), bytes.size());
}

WorkerFunction read(pool::BytesReader& from) {
  const auto size = static_cast<std::size_t>(from.take<std::uint64_t>());
  if (size == 0) return {};
  pool::BytesReader function(from.skip(size), size);
  auto* const run = detail::read_function_address<void(Reader&)>(function);
  auto bound = std::make_shared<remote::Bytes>();
  function.copy_rest(*bound);
  return [run, bound] {
    pool::BytesReader reader(bound->data(), bound->size());
    run(reader);
  };
}

}  // namespace

void write_worker_functions(const PoolOptions& options, Writer& to) {
  write(options.initializer, to);
  write(options.finalizer, to);
}

void read_worker_functions(pool::BytesReader& from, PoolOptions& options) {
  options.initializer = read(from);
  options.finalizer = read(from);
}

}  // namespace furrow::mpi_pool
