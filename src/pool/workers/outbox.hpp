// A worker's end of its outbox: writes its reports, as frames (worker_wire.hpp).
//
// Each report is visible to the parent when the call returns, so a later crash cannot lose it. The parent is
// woken only when needed: before this side waits for room, for a result that comes in parts, and when the
// worker asks for it (ring_parent). If the parent has abandoned the ring, the worker ends.
//
// Thread-safety: one thread. Borrows the slot and the ring.
#pragma once

#include <memory>

#include "channel/frame.hpp"
#include "furrow/detail/map_call.hpp"
#include "pool/workers/worker_memory.hpp"
#include "pool/workers/worker_wire.hpp"

namespace furrow::pool {

class Outbox : public detail::ResultWriter {
 public:
  Outbox(const WorkerMemory& memory, int worker);

  // Contiguous room for SIZE bytes of plain results, at most largest_block(). Write them there, then call
  // commit().
  std::byte* reserve(std::size_t size, std::size_t alignment);
  void commit(std::uint64_t index, std::uint64_t count, std::size_t size);
  std::size_t largest_block() const;
  std::byte* memory() const { return memory_; }  // of the ring, from which PublishedBlock::at() counts
  // Instead of commit(), if the results were already copied to the parent.
  void send_stored(std::uint64_t index, std::uint64_t count);
  // Sends plain results from other memory.
  void send_plain(std::uint64_t index, std::uint64_t count, const std::byte* results, std::size_t size);

  // Sends one encoded result at a time. Codecs call write() between begin() and end().
  void begin(std::uint64_t index) override;
  void write(const void* data, std::size_t size) override;
  void end() override;
  bool is_open() const { return open_; }
  void drop();  // drops a result that was begun and not ended

  void send_failure(std::uint64_t index, const Failure& failure);
  void send_chunk(const ChunkTail& tail);
  void send_broken(const Failure& failure);
  void ring_parent() { parent_.ring(); }
  bool half_full() { return !ring_.has_space(ring_.ring().capacity() / 2); }

 private:
  void send(std::uint32_t kind, std::uint32_t flags, const void* head, std::size_t head_size,
            const void* body = nullptr, std::size_t body_size = 0);
  void make_room(std::size_t size);
  void move_to_buffer();
  void flush_part(std::uint32_t flags);

  channel::Doorbell& parent_;
  std::byte* memory_;
  WorkerSlot& slot_;
  channel::RingWriter ring_;
  channel::FrameWriter frames_;
  std::byte* reserved_ = nullptr;
  std::uint32_t results_at_ = 0;
  bool open_ = false;
  bool streams_ = false;  // the first part of the open result was sent
  // The open result, or a part of it, is collected here: in the ring, as most are, or in the buffer.
  std::byte* collected_ = nullptr;
  std::size_t size_ = 0;
  bool in_ring_ = false;
  std::unique_ptr<std::byte[]> buffer_{};  // made when it is first needed
};

}  // namespace furrow::pool
