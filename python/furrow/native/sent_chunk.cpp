#include "native/sent_chunk.hpp"

namespace furrow::python {

void PendingMap::SentChunk::encode(std::uint64_t from, std::uint64_t to, Writer& body) {
  if (from == begin && to == end) return body.write(bytes.data(), bytes.size());
  if (starts_.empty()) find_starts();
  const std::size_t first = starts_[static_cast<std::size_t>(from - begin)];
  const std::size_t last = starts_[static_cast<std::size_t>(to - begin)];
  body.write(bytes.data() + first, last - first);
}

// Only ranks, and what a dead worker has left, need parts of a chunk.
void PendingMap::SentChunk::find_starts() {
  const char* at = bytes.data();
  for (std::uint64_t i = begin; i < end; ++i) {
    starts_.push_back(static_cast<std::size_t>(at - bytes.data()));
    skip_value(at, bytes.data() + bytes.size(), [](const char*) {});
  }
  starts_.push_back(bytes.size());
}

void PendingMap::SentChunk::encode_map(Writer& body) {
  const std::string& spec = map.options_.spec;
  const auto size = static_cast<std::uint64_t>(spec.size());
  body.write(&size, sizeof size);
  body.write(spec.data(), spec.size());
}

void PendingMap::SentChunk::store(std::uint64_t index, pool::ValueReader& result) {
  std::uint64_t size = 0;
  result.read(&size, sizeof size);
  Buffer value;
  result.read(value.grow(size), size);
  store_block(index, 1, {reinterpret_cast<const std::byte*>(value.data()), value.size()});
}

void PendingMap::SentChunk::store_block(std::uint64_t index, std::uint64_t count,
                                        std::span<const std::byte> block) {
  const char* at = reinterpret_cast<const char*>(block.data());
  const char* const end_of_block = at + block.size();
  for (const std::uint64_t last = index + count; index < last; ++index) {
    try {
      index = map.base_ + map.store_wholes(index_in_map(index), index_in_map(last), at, end_of_block);
      if (index == last) return;
      map.store(index_in_map(index), decode(at, end_of_block, *map.pickling_, map.store_));
    } catch (py::error_already_set& error) {
      map.fail(index_in_map(index), exception_of(error));
    }
  }
}

void PendingMap::SentChunk::failed(Failure failure, std::uint64_t, int worker) {
  const py::gil_scoped_acquire gil;
  py::object exception;
  try {
    exception = map.make_failure_(static_cast<int>(failure.kind), failure.index, py::bytes(failure.message),
                                  failure.signal, failure.exit_status, timeout_s);
  } catch (py::error_already_set& error) {
    exception = exception_of(error);
  }
  map.fail(failure.index, std::move(exception), worker, failure.attempts);
}

void PendingMap::SentChunk::done(int worker, const Times& times) {
  const py::gil_scoped_acquire gil;
  map.chunk_done(this, worker, times);
}

}  // namespace furrow::python
