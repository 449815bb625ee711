// What a worker process and its parent send each other: frames (channel/frame.hpp) in the outbox and the
// inbox of the worker. Numbers are 64 bits in the machine's byte order; both ends are one program on one
// machine.
//
// Outbox, worker to parent. Units of one stretch come in their order, each exactly once: in a kPlain, a
// kStored, a kResult or a kFailure.
//
//   kFiller   any bytes, to be skipped: a plain frame must not lie across the end of the ring
//   kPlain    PlainHead, then from results_at (counted from the payload) the bytes of COUNT results of units
//             UNIT and following; no results where they have no size
//   kStored   StoredHead: the results of COUNT units from UNIT on are where they belong, since the worker
//   wrote
//             them into its parent's memory
//   kResult   the unit, then the encoded result. flags: kWhole, or kMore: kPart frames follow with the rest,
//             whose flags are kMore, and at last kWhole, or kDropped: forget it, a failure follows
//   kFailure  the unit, then a Failure (encode_failure). Unit 2^64 - 1: all of the message that are not
//             reported yet
//   kChunk    ChunkTail: everything before its place is reported. Only where somebody observes chunks; and
//             after each message, with its sequence number
//   kBroken   a Failure: the initializer's; the worker exits after it
//
// Inbox, parent to worker, for workers that are sent their inputs. Message n of a worker is what the n-th
// claim of its range word stands for; one that is never claimed was taken back, and is skipped.
//
//   kMessage  MessageHead, then the body: the job's part if any, then the units' inputs. flags: as for
//   kResult,
//             with kPart frames
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
  std::uint64_t unit;
  std::uint32_t count;
  std::uint32_t results_at;
};

struct StoredHead {
  std::uint64_t unit;
  std::uint64_t count;
};

struct ChunkTail {
  std::uint64_t place;  // or sequence number
  std::int64_t began_ns;
  std::int64_t ended_ns;
};

struct MessageHead {
  std::uint64_t sequence;    // of the worker's messages
  std::uint64_t job;         // whose units these are; 0: nobody's
  std::uint64_t with_job;    // 1: the body begins with what the job's parcels have in common
  std::uint64_t begin, end;  // units
  std::uint64_t attempts;    // failed ones, at BEGIN
};

// Results of SIZE bytes are aligned to this: at least as strictly as any type of that size up to one line.
constexpr std::size_t alignment_of(std::size_t size) {
  const std::size_t lowest = size & (~size + 1);
  return lowest == 0 ? 1 : lowest > 128 ? 128 : lowest;
}

// Room for SIZE bytes, aligned, in BUFFER.
inline std::byte* aligned_room(std::vector<std::byte>& buffer, std::size_t size, std::size_t alignment) {
  buffer.resize(size + alignment);
  const auto address = reinterpret_cast<std::uintptr_t>(buffer.data());
  return buffer.data() + (alignment - address % alignment) % alignment;
}

void encode_failure(Writer& writer, const Failure& failure);
Failure decode_failure(Reader& reader);

// Bytes in this process's memory.
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
