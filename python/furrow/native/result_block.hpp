// Writes a worker's results one after the other into a block of its outbox. A result counts as done as soon
// as the next index is published; the parent reads it after commit(), or after the worker's death.
//
// Borrows everything it is given. Used by the worker's one thread.
#pragma once

#include <algorithm>

#include "native/buffer.hpp"
#include "pool/messages/message_worker.hpp"

namespace furrow::python {

class ResultBlock {
 public:
  // FEW: the most results there can be.
  ResultBlock(const pool::WorkerContext& context, std::uint64_t few) : context_(context), few_(few) {}

  void put(std::uint64_t index, const Buffer& value) {
    if (value.size() > context_.outbox.largest_block()) return put_alone(index, value);
    std::memcpy(room(index, value.size()), value.data(), value.size());
    took(value.size());
  }

  // Instead of put(): room for a result of at most SIZE bytes, to be written there; then the bytes that it TOOK.
  char* room(std::uint64_t index, std::size_t size) {
    if (used_ + size > room_) {
      commit();
      open(index, size);
    }
    return reinterpret_cast<char*>(block_ + used_);
  }
  void took(std::size_t size) {
    used_ += size;
    ++count_;
  }

  void fail(std::uint64_t index, const Failure& failure) {
    commit();
    context_.outbox.send_failure(index, failure);
  }

  void commit() {
    if (count_ > 0) context_.outbox.commit(first_, count_, used_);
    count_ = 0;
    used_ = room_ = 0;
  }

 private:
  void put_alone(std::uint64_t index, const Buffer& value) {
    commit();
    const auto length = static_cast<std::uint64_t>(value.size());
    context_.outbox.begin(index);
    context_.outbox.write(&length, sizeof length);
    context_.outbox.write(value.data(), value.size());
    context_.outbox.end();
  }

  static constexpr std::size_t kRoom = 32 << 10;

  void open(std::uint64_t index, std::size_t size) {
    room_ = few_ <= 1 ? size : std::min(std::max(kRoom, size), context_.outbox.largest_block());
    block_ = context_.outbox.reserve(room_, 1);
    first_ = index;
    context_.slot.block.open(index, static_cast<std::uint64_t>(block_ - context_.outbox.memory()));
  }

  const pool::WorkerContext& context_;
  const std::uint64_t few_;
  std::byte* block_ = nullptr;
  std::uint64_t first_ = 0, count_ = 0;
  std::size_t used_ = 0, room_ = 0;
};

}  // namespace furrow::python
