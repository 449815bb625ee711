#include "native/station.hpp"

#include "furrow/errors.hpp"
#include "native/arena_store.hpp"

namespace furrow::python {

Station::Station(int workers, py::object hooks, py::object begin) {
  if (auto arena = pool::Arena::create(workers)) {
    arena->enter(0);
    arena_descriptor_ = arena->descriptor();
    store_ = std::make_unique<ArenaStore>(std::make_shared<pool::Arena>(std::move(*arena)));
  }
  worker_ = std::make_unique<Worker>(std::move(hooks), std::move(begin), store_.get());
}

Station::Station(int workers, int arena, py::object hooks, py::object begin) {
  if (arena >= 0) {
    auto attached = pool::Arena::attach(arena, workers);
    if (!attached) throw PoolError(attached.error().to_string());
    store_ = std::make_unique<ArenaStore>(std::make_shared<pool::Arena>(std::move(*attached)));
  }
  worker_ = std::make_unique<Worker>(std::move(hooks), std::move(begin), store_.get());
}

std::size_t Station::measure(std::span<const std::byte> results, std::uint64_t count) {
  const auto* const begin = reinterpret_cast<const char*>(results.data());
  const char* at = begin;
  for (std::uint64_t i = 0; i < count; ++i) skip_value(at, begin + results.size());
  return static_cast<std::size_t>(at - begin);
}

}  // namespace furrow::python
