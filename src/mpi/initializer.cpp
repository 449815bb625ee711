#include "mpi/initializer.hpp"

#include <memory>

#include "furrow/detail/function_place.hpp"

namespace furrow::mpi_detail {

void write_initializer(const Initializer& initializer, Writer& to) {
  detail::write_place(to, initializer.run_sent());
  initializer.encode(to);
}

Initializer read_initializer(BytesReader& from) {
  auto* const run = detail::read_place<void(Reader&)>(from);
  auto bound = std::make_shared<Bytes>();
  bound->write(from.skip(0), from.remaining());
  return [run, bound] {
    BytesReader reader(bound->data(), bound->size());
    run(reader);
  };
}

}  // namespace furrow::mpi_detail
