#include "pool/workers/outbox.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace furrow::pool {

namespace {

constexpr std::size_t kCollected = 16 << 10;  // results up to this size are one frame
constexpr std::size_t kFrameHead = channel::FrameHeader::kBytes;

// If the parent has abandoned the ring, it no longer needs this worker.
void require(channel::Status status) {
  if (status != channel::Status::kOk) ::_exit(0);
}

constexpr std::size_t padded(std::size_t size) { return (size + kFrameHead - 1) / kFrameHead * kFrameHead; }

}  // namespace

Outbox::Outbox(const WorkerMemory& memory, int worker)
    : parent_(memory.bell()),
      memory_(memory.outbox(worker)),
      slot_(memory.slot(worker)),
      ring_(channel::Ring::attach(memory_)),
      frames_(ring_) {}

std::size_t Outbox::largest_block() const { return ring_.ring().capacity() / 4 - 256; }

void Outbox::make_room(std::size_t size) {
  if (!ring_.has_space(size)) {
    ring_.publish();
    parent_.ring();
    size = std::max(size, ring_.ring().capacity() / 4);  // wait for much, to be woken less often
  }
  require(ring_.wait_space(size));
}

std::byte* Outbox::reserve(std::size_t size, std::size_t alignment) {
  const std::size_t most = kFrameHead + sizeof(PlainHead) + alignment + padded(size);
  make_room(kFrameHead);
  if (auto room = ring_.space(); room.size() < most) {
    // The room is limited by the ring's end or by the reader's position. Fill up the former; wait for the
    // latter.
    const auto position = static_cast<std::size_t>(room.data() - memory_ - sizeof(channel::RingHeader));
    const std::size_t until_end = ring_.ring().capacity() - position;
    if (until_end < most) {
      make_room(until_end);
      const channel::FrameHeader filler{kFiller, 0, until_end - kFrameHead};
      std::memcpy(ring_.space().data(), &filler, sizeof filler);
      ring_.advance(until_end);
      ring_.publish();
    }
    make_room(most);
  }
  reserved_ = ring_.space().data();
  const std::size_t head = kFrameHead + sizeof(PlainHead);
  const std::size_t offset =
      (static_cast<std::size_t>(reserved_ - memory_) + head + alignment - 1) / alignment * alignment;
  std::byte* const results = memory_ + offset;
  results_at_ = static_cast<std::uint32_t>(results - reserved_ - kFrameHead);
  return results;
}

void Outbox::commit(std::uint64_t index, std::uint64_t count, std::size_t size) {
  const std::size_t payload = results_at_ + size;
  const channel::FrameHeader header{kPlain, 0, payload};
  const PlainHead head{index, static_cast<std::uint32_t>(count), results_at_};
  std::memcpy(reserved_, &header, sizeof header);
  std::memcpy(reserved_ + kFrameHead, &head, sizeof head);
  ring_.advance(kFrameHead + padded(payload));
  ring_.publish();
}

void Outbox::send(std::uint32_t kind, std::uint32_t flags, const void* head, std::size_t head_size,
                  const void* body, std::size_t body_size) {
  const std::size_t size = head_size + body_size;
  make_room(std::min(padded(size) + kFrameHead, ring_.ring().capacity() / 4));
  if (const auto room = ring_.space();
      room.size() >= padded(size) + kFrameHead) {  // in one piece, as most are
    const channel::FrameHeader header{kind, flags, size};
    std::byte* const to = room.data();
    std::memcpy(to, &header, sizeof header);
    std::memcpy(to + kFrameHead, head, head_size);
    if (body_size != 0) std::memcpy(to + kFrameHead + head_size, body, body_size);
    std::memset(to + kFrameHead + size, 0, padded(size) - size);
    ring_.advance(kFrameHead + padded(size));
    ring_.publish();
    return;
  }
  require(frames_.begin(kind, size, flags));
  require(frames_.append(head, head_size).status);
  if (body_size != 0) {
    if (body_size > ring_.ring().capacity() / 2) {  // wake the parent now: it must read while this writes
      ring_.publish();
      parent_.ring();
    }
    require(frames_.append(body, body_size).status);
  }
  require(frames_.end());
}

void Outbox::send_plain(std::uint64_t index, std::uint64_t count, const std::byte* results,
                        std::size_t size) {
  const PlainHead head{index, static_cast<std::uint32_t>(count), sizeof(PlainHead)};
  send(kPlain, 0, &head, sizeof head, results, size);
}

void Outbox::send_stored(std::uint64_t index, std::uint64_t count) {
  const StoredHead head{index, count};
  send(kStored, 0, &head, sizeof head);
}

void Outbox::begin(std::uint64_t index) {
  open_ = true;
  streams_ = false;
  size_ = 0;
  const std::span<std::byte> room = ring_.space();
  in_ring_ = room.size() >= kCollected + 2 * kFrameHead;  // a header and its zeros
  if (in_ring_)
    collected_ = room.data() + kFrameHead;
  else
    move_to_buffer();
  std::memcpy(collected_, &index, sizeof index);
  size_ = sizeof index;
}

// What is collected moves to the buffer: the ring has no room for it, or it grows too large to wait there.
void Outbox::move_to_buffer() {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::byte[]>(kCollected);
  if (size_ != 0) std::memcpy(buffer_.get(), collected_, size_);
  collected_ = buffer_.get();
  in_ring_ = false;
}

void Outbox::flush_part(std::uint32_t flags) {
  send(streams_ ? kPart : kResult, flags, buffer_.get(), size_);
  size_ = 0;
  if (flags == kMore && !streams_) parent_.ring();
  streams_ = true;
}

void Outbox::write(const void* data, std::size_t size) {
  if (size > kCollected - size_) {
    if (in_ring_) move_to_buffer();
    if (size_ != 0) flush_part(kMore);
    if (size > kCollected) {
      send(kPart, kMore, data, size);
      return;
    }
  }
  if (size != 0) std::memcpy(collected_ + size_, data, size);
  size_ += size;
}

void Outbox::end() {
  open_ = false;
  if (!in_ring_) return flush_part(kWhole);
  const channel::FrameHeader header{kResult, kWhole, size_};
  constexpr std::byte kZeros[kFrameHead] = {};
  std::memcpy(collected_ - kFrameHead, &header, sizeof header);
  std::memcpy(collected_ + size_, kZeros, sizeof kZeros);  // the padding; what is behind it is free
  ring_.advance(kFrameHead + padded(size_));
  ring_.publish();
}

void Outbox::drop() {
  if (open_ && streams_) {
    size_ = 0;
    flush_part(kDropped);
  }
  open_ = false;
}

void Outbox::send_failure(std::uint64_t index, const Failure& failure) {
  BytesWriter encoded;
  encode_failure(encoded, failure);
  send(kFailure, 0, &index, sizeof index, encoded.bytes.data(), encoded.bytes.size());
}

void Outbox::send_chunk(const ChunkTail& tail) { send(kChunk, 0, &tail, sizeof tail); }

void Outbox::send_broken(const Failure& failure) {
  BytesWriter encoded;
  encode_failure(encoded, failure);
  send(kBroken, 0, encoded.bytes.data(), encoded.bytes.size());
  parent_.ring();
}

}  // namespace furrow::pool
