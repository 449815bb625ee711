// A worker's end of its outbox: what it reports, as frames (crew_wire.hpp).
//
// Each report is visible to the parent when the call returns, so that no later crash takes it back. The
// parent is woken only when it should look: before this side would wait for room, for a result that streams,
// and where the worker says so (ring_parent). Where the parent has given up the ring, the worker ends.
//
// Thread-safety: one thread. Borrows the slot and the ring.
#pragma once

#include <optional>

#include "channel/frame.hpp"
#include "furrow/detail/map_call.hpp"
#include "pool/crew/crew_memory.hpp"
#include "pool/crew/crew_wire.hpp"

namespace furrow::pool {

class Outbox : public detail::ResultWriter {
 public:
  Outbox(const CrewMemory& memory, int worker);

  // Room in one piece for SIZE bytes of plain results, at most largest_block(), which are to be filled in
  // place; then commit().
  std::byte* reserve(std::size_t size, std::size_t alignment);
  void commit(std::uint64_t unit, std::uint64_t count, std::size_t size);
  std::size_t largest_block() const;
  std::byte* memory() const { return memory_; }  // of the ring, from which WorkerSlot::block_at counts
  // Instead of commit(), where what was reserved has been brought to its place by other means.
  void send_stored(std::uint64_t unit, std::uint64_t count);
  // Plain results that lie elsewhere.
  void send_plain(std::uint64_t unit, std::uint64_t count, const std::byte* results, std::size_t size);

  // One encoded result (or several, one after the other). Codec code calls write().
  void begin(std::uint64_t unit) override;
  void write(const void* data, std::size_t size) override;
  void end() override;
  bool is_open() const { return open_; }
  void drop();  // what is begun

  void send_failure(std::uint64_t unit, const Failure& failure);
  void send_chunk(const ChunkTail& tail);
  void send_broken(const Failure& failure);
  void ring_parent() { parent_.ring(); }
  bool half_full() { return ring_.free_bytes() < ring_.ring().capacity() / 2; }

 private:
  void send(std::uint32_t kind, std::uint32_t flags, const void* head, std::size_t head_size,
            const void* body = nullptr, std::size_t body_size = 0);
  void make_room(std::size_t size);
  void flush_part(std::uint32_t flags);

  channel::Doorbell& parent_;
  std::byte* memory_;
  WorkerSlot& slot_;
  channel::RingWriter ring_;
  channel::FrameWriter frames_;
  std::byte* reserved_ = nullptr;
  std::uint32_t results_at_ = 0;
  bool open_ = false;
  bool streams_ = false;  // a first part of the open result is sent
  std::vector<std::byte> buffer_;
};

}  // namespace furrow::pool
