// Results of a worker, put one after the other into a block of its outbox, where they count as soon as the
// next unit is published; the parent sees them when the block is committed.
//
// Borrows all it is given. For the worker's one thread.
#pragma once

#include <algorithm>

#include "native/buffer.hpp"
#include "pool/messages/message_worker.hpp"

namespace furrow::python {

class ResultBlock {
 public:
  // FEW: how many results there will be, at most.
  ResultBlock(const pool::WorkerDesk& desk, std::uint64_t few) : desk_(desk), few_(few) {}

  void put(std::uint64_t unit, const Buffer& value) {
    const std::size_t size = value.size();
    if (size > desk_.outbox.largest_block()) {
      commit();
      const auto length = static_cast<std::uint64_t>(size);
      desk_.outbox.begin(unit);
      desk_.outbox.write(&length, sizeof length);
      desk_.outbox.write(value.data(), size);
      desk_.outbox.end();
      return;
    }
    if (used_ + size > room_) {
      commit();
      open(unit, size);
    }
    std::memcpy(block_ + used_, value.data(), size);
    used_ += size;
    ++count_;
  }

  void fail(std::uint64_t unit, const Failure& failure) {
    commit();
    desk_.outbox.send_failure(unit, failure);
  }

  void commit() {
    if (count_ > 0) desk_.outbox.commit(first_, count_, used_);
    count_ = 0;
    used_ = room_ = 0;
  }

 private:
  static constexpr std::size_t kRoom = 32 << 10;

  void open(std::uint64_t unit, std::size_t size) {
    room_ = few_ <= 1 ? size : std::min(std::max(kRoom, size), desk_.outbox.largest_block());
    block_ = desk_.outbox.reserve(room_, 1);
    first_ = unit;
    desk_.slot.block_at.store(static_cast<std::uint64_t>(block_ - desk_.outbox.memory()),
                              std::memory_order_relaxed);
    desk_.slot.block_unit.store(unit, std::memory_order_relaxed);
  }

  const pool::WorkerDesk& desk_;
  const std::uint64_t few_;
  std::byte* block_ = nullptr;
  std::uint64_t first_ = 0, count_ = 0;
  std::size_t used_ = 0, room_ = 0;
};

}  // namespace furrow::python
