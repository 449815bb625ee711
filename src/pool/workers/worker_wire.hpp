// What a worker process and its parent send each other: frames (channel/frame.hpp) in the outbox and the
// inbox of the worker. Numbers are 64 bits in the machine's byte order; both ends are one program on one
// machine.
//
// Outbox, worker to parent. The indices of one range come in their order, each exactly once: in a kPlain, a
// kStored, a kResult or a kFailure.
//
//   kFiller   any bytes, to be skipped: a plain frame must not lie across the end of the ring
//   kPlain    PlainHead, then from results_at (counted from the payload) the bytes of the results of `count`
//             indices from `index` on; no bytes if results have no size
//   kStored   StoredHead: the worker has written the results of `count` indices from `index` on into its
//             parent's memory
//   kResult   the index, then the encoded result. Flags: kWhole; or kMore, if kPart frames follow with the
//             rest. Those have the flag kMore, and the last one kWhole, or kDropped: discard the result, a
//             failure follows
//   kFailure  the index, then a Failure (encode_failure). Index 2^64 - 1: all indices of the message that are
//             not reported yet
//   kChunk    ChunkTail: everything before its position is reported. Sent only if the map has observers; and
//             after each message, with the message's sequence number
//   kBroken   the Failure of the initializer; the worker exits after it
//
// Inbox, parent to worker, for workers that receive their inputs as messages. A worker's n-th claim
// (message_queue.hpp) is for message n; a message that is never claimed was taken back, and is skipped.
//
//   kMessage  MessageHead, then the body: if with_map is 1, what all chunks of the map have in common; then
//             the inputs of the indices. Flags and kPart frames as for kResult
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "channel/frame.hpp"
#include "furrow/codec.hpp"
#include "furrow/errors.hpp"

namespace furrow::pool {

enum FrameKind : std::uint32_t {
  kFiller = 1,
  kPlain,
  kStored,
  kResult,
  kPart,
  kFailure,
  kChunk,
  kBroken,
  kMessage
};
enum FrameFlags : std::uint32_t { kWhole = 0, kMore = 1, kDropped = 2 };

struct PlainHead {
  std::uint64_t index;
  std::uint32_t count;
  std::uint32_t results_at;
};

struct StoredHead {
  std::uint64_t index;
  std::uint64_t count;
};

struct ChunkTail {
  std::uint64_t position;  // or the message's sequence number
  std::int64_t began_ns;
  std::int64_t ended_ns;
};

struct MessageHead {
  std::uint64_t sequence;    // number of the message for this worker
  std::uint64_t map;         // id of the map; 0: the message is a call
  std::uint64_t with_map;    // 1: the body begins with what all chunks of the map have in common
  std::uint64_t begin, end;  // indices
  std::uint64_t attempts;    // failed attempts at index `begin`
};

// The alignment for results of SIZE bytes: at least that of any type of this size, up to one line.
constexpr std::size_t alignment_of(std::size_t size) {
  const std::size_t lowest = size & (~size + 1);
  return lowest == 0 ? 1 : lowest > 128 ? 128 : lowest;
}

// Aligned room for SIZE bytes in BUFFER, which is resized.
inline std::byte* aligned_room(std::vector<std::byte>& buffer, std::size_t size, std::size_t alignment) {
  buffer.resize(size + alignment);
  const auto address = reinterpret_cast<std::uintptr_t>(buffer.data());
  return buffer.data() + (alignment - address % alignment) % alignment;
}

void encode_failure(Writer& writer, const Failure& failure);
Failure decode_failure(Reader& reader);

// Collects what is written to it.
class BytesWriter : public Writer {
 public:
  void write(const void* data, std::size_t size) override {
    const std::size_t before = bytes.size();
    bytes.resize(before + size);
    if (size != 0) std::memcpy(bytes.data() + before, data, size);
  }
  std::vector<std::byte> bytes{};
};

}  // namespace furrow::pool
