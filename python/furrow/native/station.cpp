#include "native/station.hpp"

#include <cstring>
#include <stdexcept>

#include "furrow/errors.hpp"

namespace furrow::python {

namespace {

// CHANGE may write to it.
template <class Change>
void for_each_place(std::span<std::byte> values, const Change& change) {
  auto* const begin = reinterpret_cast<char*>(values.data());
  const char* at = begin;
  const auto seen = [&](const char* found) {
    BufferPlace place{};
    std::memcpy(&place, found, sizeof place);
    change(place);
    std::memcpy(begin + (found - begin), &place, sizeof place);
  };
  while (at < begin + values.size()) skip_value(at, begin + values.size(), seen);
}

}  // namespace

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

std::size_t Station::measure(std::span<const std::byte> values, std::uint64_t count) {
  const auto* const begin = reinterpret_cast<const char*>(values.data());
  const char* at = begin;
  for (std::uint64_t i = 0; i < count; ++i) skip_value(at, begin + values.size(), [](const char*) {});
  return static_cast<std::size_t>(at - begin);
}

// What leaves rank 0 are inputs, which may be kept; what leaves another rank are results of its workers.
void Station::load(std::span<std::byte> values, std::vector<pool::Beside>& beside,
                   std::set<std::uint64_t>* lasting) {
  for_each_place(values, [&](BufferPlace& place) {
    const bool stays = lasting && (place.flags & BufferPlace::kLasting) != 0;
    if (stays && !lasting->insert(place.at).second) {
      place.flags |= BufferPlace::kKept;
      return;
    }
    if (!store_) throw std::runtime_error("a value refers to a large buffer, and there are none here");
    place.flags |= static_cast<std::uint64_t>(beside.size()) << BufferPlace::kNumber;
    beside.push_back(store_->leaving(place.at, place.size, lasting == nullptr));
  });
}

void Station::unload(std::span<std::byte> values, std::span<const pool::Beside> beside,
                     pool::LastingBuffers* lasting, std::vector<pool::Beside>& used) {
  for_each_place(values, [&](BufferPlace& place) {
    const std::uint64_t number = place.flags >> BufferPlace::kNumber;
    const bool is_kept = (place.flags & BufferPlace::kKept) != 0;
    const bool is_there = is_kept ? lasting && lasting->count(place.at) != 0 : number < beside.size();
    if (!is_there) throw std::runtime_error("a large buffer did not come from the other rank");
    const pool::Beside& found = is_kept ? lasting->at(place.at) : beside[number];
    if (found.at == pool::Beside::kNowhere || found.size != place.size)
      throw std::runtime_error("there is no shared memory for a large buffer that came from another rank");
    if (lasting && !is_kept && (place.flags & BufferPlace::kLasting) != 0) (*lasting)[place.at] = found;
    if (!lasting) store_->arrived(found);
    place.at = found.at;
    place.flags &= BufferPlace::kReadonly;
    used.push_back(found);
  });
}

}  // namespace furrow::python
