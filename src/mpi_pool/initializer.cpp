#include "mpi_pool/initializer.hpp"

#include <memory>

#include "furrow/detail/function_address.hpp"

namespace furrow::mpi_pool {

void write_initializer(const Initializer& initializer, Writer& to) {
  detail::write_function_address(to, initializer.run_sent());
  initializer.encode(to);
}

Initializer read_initializer(pool::BytesReader& from) {
  auto* const run = detail::read_function_address<void(Reader&)>(from);
  auto bound = std::make_shared<remote::Bytes>();
  bound->write(from.skip(0), from.remaining());
  return [run, bound] {
    pool::BytesReader reader(bound->data(), bound->size());
    run(reader);
  };
}

}  // namespace furrow::mpi_pool
