// Messages over a ring: each is a header of 16 bytes, then its payload, then zeros up to a multiple of 16.
//
//   u32 kind   u32 flags   u64 size of the payload
//
// in the machine's byte order: both sides run on one machine. Payloads may be larger than the ring: they
// stream. A frame that fits becomes visible as a whole with end(); one that is longer than the room that is
// left becomes visible piece by piece.
//
// States of either side: between frames -> in a frame (after begin, peek) -> between frames (after end; after
// the last byte of the payload was read, or skip). A call that ended early (kTimeout, kCancelled) changes no
// state but for the bytes it tells of, and may be repeated for the rest. A writer that died or closed in
// mid-frame: the reader gets kTorn in place of the missing bytes, so nothing half is ever taken for whole.
//
// Thread-safety, ownership, timeouts: those of the ring; these borrow it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "channel/ring.hpp"

namespace furrow::channel {

struct FrameHeader {
  std::uint32_t kind = 0;
  std::uint32_t flags = 0;  // the caller's; 0 where it has none
  std::uint64_t size = 0;   // of the payload

  static constexpr std::size_t kBytes = 16;
  std::size_t padding() const { return static_cast<std::size_t>(-size % kBytes); }
  bool operator==(const FrameHeader&) const = default;
};
static_assert(sizeof(FrameHeader) == FrameHeader::kBytes);

class FrameWriter {
 public:
  explicit FrameWriter(RingWriter& ring) : ring_(ring) {}

  // kOk, or nothing was written. SIZE bytes must follow through append(), and then end().
  Status begin(std::uint32_t kind, std::uint64_t size, std::uint32_t flags = 0,
               const Patience& patience = {});
  Transfer append(const void* bytes, std::size_t size, const Patience& patience = {});
  // Without publishing, a frame waits for a later end() or flush(): for many small ones in a row.
  Status end(bool publish = true, const Patience& patience = {});
  void flush() { ring_.publish(); }

  // All three at once. Ended early, the frame is left begun: remaining() tells what is missing, if anything.
  Transfer send(std::uint32_t kind, std::span<const std::byte> payload, std::uint32_t flags = 0,
                const Patience& patience = {});

  // Without copying: the first piece of the room there is for the payload, to be filled, then advance(). May
  // be empty; then append() waits.
  std::span<std::byte> contiguous();
  void advance(std::size_t size);

  bool fits(std::uint64_t size);  // a frame of this size could be sent without waiting
  std::uint64_t remaining() const { return remaining_; }  // of the payload
  RingWriter& ring() { return ring_; }

 private:
  RingWriter& ring_;
  std::uint64_t remaining_ = 0;
  std::size_t padding_ = 0;
};

class FrameReader {
 public:
  // Headers that claim a larger payload are taken for nonsense (kTorn).
  explicit FrameReader(RingReader& ring, std::uint64_t largest = std::uint64_t{1} << 48)
      : ring_(ring), largest_(largest) {}

  // The frame we are in, else the next one, once its header has come. To go on, read all its payload, or
  // skip(); an empty frame is over by skip(), or by read() of 0 bytes.
  Status peek(FrameHeader& header, const Patience& patience = {});

  // SIZE bytes of the payload, at most remaining().
  Transfer read(void* to, std::size_t size, const Patience& patience = {});
  Status skip(const Patience& patience = {});  // the rest of it

  // Without copying: the first piece of the rest that is here now, then consume(). It is all of the rest
  // where its size is remaining(), as for small frames that do not happen to lie across the end of the ring.
  std::span<const std::byte> contiguous();
  void consume(std::size_t size);
  Status wait(const Patience& patience = {});  // until there is more of the payload

  // Gives room back in batches (RingReader::release_in_batches): for a reader that goes on until peek() finds
  // nothing.
  void batch_releases() { batches_ = true; }

  bool in_frame() const { return in_frame_; }
  std::uint64_t remaining() const { return remaining_; }  // of the payload
  RingReader& ring() { return ring_; }

 private:
  void used(std::size_t size);

  RingReader& ring_;
  std::uint64_t largest_;
  FrameHeader header_;
  bool batches_ = false;
  bool in_frame_ = false;
  std::uint64_t remaining_ = 0;
  std::size_t padding_ = 0;  // of the frame before, still in the ring
};

}  // namespace furrow::channel
