#include "native/worker_runtime.hpp"

#include <cstring>
#include <stdexcept>

#include "furrow/errors.hpp"

namespace furrow::python {

namespace {

// Calls CHANGE with each BufferRef, which it may change.
template <class Change>
void for_each_ref(std::span<std::byte> values, const Change& change) {
  auto* const begin = reinterpret_cast<char*>(values.data());
  const char* at = begin;
  const auto seen = [&](const char* found) {
    BufferRef ref{};
    std::memcpy(&ref, found, sizeof ref);
    change(ref);
    std::memcpy(begin + (found - begin), &ref, sizeof ref);
  };
  while (at < begin + values.size()) skip_value(at, begin + values.size(), seen);
}

}  // namespace

WorkerRuntime::WorkerRuntime(int workers, py::object hooks, py::object begin) {
  if (auto arena = pool::Arena::create(workers)) {
    arena->enter(0);
    arena_descriptor_ = arena->descriptor();
    store_ = std::make_unique<ArenaStore>(std::make_shared<pool::Arena>(std::move(*arena)));
  }
  worker_ = std::make_unique<Worker>(std::move(hooks), std::move(begin), store_.get());
}

WorkerRuntime::WorkerRuntime(int workers, int arena, py::object hooks, py::object begin) {
  if (arena >= 0) {
    auto attached = pool::Arena::attach(arena, workers);
    if (!attached) throw PoolError(attached.error().to_string());
    store_ = std::make_unique<ArenaStore>(std::make_shared<pool::Arena>(std::move(*attached)));
  }
  worker_ = std::make_unique<Worker>(std::move(hooks), std::move(begin), store_.get());
}

std::size_t WorkerRuntime::measure(std::span<const std::byte> values, std::uint64_t count) {
  const auto* const begin = reinterpret_cast<const char*>(values.data());
  const char* at = begin;
  for (std::uint64_t i = 0; i < count; ++i) skip_value(at, begin + values.size(), [](const char*) {});
  return static_cast<std::size_t>(at - begin);
}

// Rank 0 sends inputs, which the other rank may keep (LASTING); another rank sends results of its workers.
void WorkerRuntime::load(std::span<std::byte> values, std::vector<pool::OutOfBandBuffer>& buffers,
                         std::set<std::uint64_t>* lasting) {
  for_each_ref(values, [&](BufferRef& ref) {
    const bool stays = lasting && (ref.flags & BufferRef::kLasting) != 0;
    if (stays && !lasting->insert(ref.at).second) {
      ref.flags |= BufferRef::kKept;
      return;
    }
    if (!store_)
      throw std::runtime_error(
          "a value refers to a large buffer, but this process has no shared memory for them");
    ref.flags |= static_cast<std::uint64_t>(buffers.size()) << BufferRef::kNumber;
    buffers.push_back(store_->leaving(ref.at, ref.size, lasting == nullptr));
  });
}

void WorkerRuntime::unload(std::span<std::byte> values, std::span<const pool::OutOfBandBuffer> buffers,
                           pool::LastingBuffers* lasting, std::vector<pool::OutOfBandBuffer>& used) {
  for_each_ref(values, [&](BufferRef& ref) {
    const std::uint64_t number = ref.flags >> BufferRef::kNumber;
    const bool is_kept = (ref.flags & BufferRef::kKept) != 0;
    const bool is_there = is_kept ? lasting && lasting->count(ref.at) != 0 : number < buffers.size();
    if (!is_there) throw std::runtime_error("a large buffer from another rank is missing");
    const pool::OutOfBandBuffer& found = is_kept ? lasting->at(ref.at) : buffers[number];
    if (found.at == pool::OutOfBandBuffer::kNowhere || found.size != ref.size)
      throw std::runtime_error("there is no shared memory for a large buffer from another rank");
    if (lasting && !is_kept && (ref.flags & BufferRef::kLasting) != 0) (*lasting)[ref.at] = found;
    if (!lasting) store_->arrived(found);
    ref.at = found.at;
    ref.flags &= BufferRef::kReadonly;
    used.push_back(found);
  });
}

}  // namespace furrow::python
