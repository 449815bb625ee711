// Messages over a ring: each is a header of 16 bytes, then its payload, then zeros up to a multiple of 16.
//
//   u32 kind   u32 flags   u64 size of the payload
//
// in the machine's byte order: both sides run on one machine. A payload may be larger than the ring; then it
// streams through. A frame that fits into the free space becomes visible as a whole with end(); a longer one
// becomes visible part by part.
//
// States of either side: between frames -> in a frame (after begin, peek) -> between frames (after end; after
// the last byte of the payload was read, or skip). A call that ended early (kTimeout, kCancelled) has moved
// the bytes that it reports and changed nothing else; it may be repeated for the rest. If the writer dies or
// closes in the middle of a frame, the reader gets kTorn in place of the missing bytes, so it never takes
// half a frame for a whole one.
//
// Messages between ranks are such frames, too, one after the other in a byte string (for_each_frame).
//
// Thread-safety, ownership, timeouts: as for the ring, which these classes borrow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "channel/ring.hpp"

namespace furrow::channel {

struct FrameHeader {
  std::uint32_t kind = 0;
  std::uint32_t flags = 0;  // free for the caller
  std::uint64_t size = 0;   // of the payload

  static constexpr std::size_t kBytes = 16;
  std::size_t padding() const { return static_cast<std::size_t>(-size % kBytes); }
  bool operator==(const FrameHeader&) const = default;
};
static_assert(sizeof(FrameHeader) == FrameHeader::kBytes);

class FrameWriter {
 public:
  explicit FrameWriter(RingWriter& ring) : ring_(ring) {}

  // Unless it returns kOk, nothing was written. SIZE bytes must follow through append(), then end().
  Status begin(std::uint32_t kind, std::uint64_t size, std::uint32_t flags = 0,
               const Patience& patience = {});
  Transfer append(const void* bytes, std::size_t size, const Patience& patience = {});
  // Unpublished frames become visible with a later end() or flush(): for many small frames in a row.
  Status end(bool publish = true, const Patience& patience = {});
  void flush() { ring_.publish(); }

  // begin(), append() and end() at once. If it ends early, the frame stays open; remaining() bytes are
  // missing.
  Transfer send(std::uint32_t kind, std::span<const std::byte> payload, std::uint32_t flags = 0,
                const Patience& patience = {});

  // Without copying: the contiguous space that is free for the payload. Fill it, then call advance(). It may
  // be empty; append() waits.
  std::span<std::byte> contiguous();
  void advance(std::size_t size);

  bool fits(std::uint64_t size);  // whether a frame of this size could be sent without waiting
  std::uint64_t remaining() const { return remaining_; }  // of the payload
  RingWriter& ring() { return ring_; }

 private:
  RingWriter& ring_;
  std::uint64_t remaining_ = 0;
  std::size_t padding_ = 0;
};

class FrameReader {
 public:
  // A header that claims a larger payload than LARGEST counts as corrupt (kTorn).
  explicit FrameReader(RingReader& ring, std::uint64_t largest = std::uint64_t{1} << 48)
      : ring_(ring), largest_(largest) {}

  // The current frame, or else the next one once its header has arrived. To move on, read all of the payload
  // or call skip(); an empty frame ends with skip() or with a read() of 0 bytes.
  Status peek(FrameHeader& header, const Patience& patience = {});

  // Without waiting and without entering it: the payload of the next frame, if all of the frame has arrived in one
  // piece, as most small ones do. Then pass() moves on. Otherwise peek() says what there is.
  std::optional<std::span<const std::byte>> whole(FrameHeader& header);
  void pass(const FrameHeader& header);

  // Reads SIZE bytes of the payload, at most remaining().
  Transfer read(void* to, std::size_t size, const Patience& patience = {});
  Status skip(const Patience& patience = {});  // skips the rest of the payload

  // Without copying: the contiguous bytes of the payload that have arrived; call consume() after using them.
  // They are all of the rest if their number is remaining(), as it is for a small frame unless it lies across
  // the end of the ring.
  std::span<const std::byte> contiguous();
  void consume(std::size_t size);
  Status wait(const Patience& patience = {});  // waits until more of the payload has arrived

  // Gives space back in batches (RingReader::release_in_batches): for a reader that reads on until peek()
  // finds nothing.
  void batch_releases() { batches_ = true; }

  bool in_frame() const { return in_frame_; }
  std::uint64_t remaining() const { return remaining_; }  // of the payload
  RingReader& ring() { return ring_; }

 private:
  void used(std::size_t size);
  void give_back();

  RingReader& ring_;
  std::uint64_t largest_;
  FrameHeader header_;
  bool batches_ = false;
  bool in_frame_ = false;
  std::uint64_t remaining_ = 0;
  std::size_t padding_ = 0;  // of the previous frame, still in the ring
};

// Calls USE(header, payload) for each frame in MESSAGE. False if the message ends inside a frame.
template <class Use>
bool for_each_frame(std::span<const std::byte> message, const Use& use) {
  while (!message.empty()) {
    FrameHeader header;
    if (message.size() < sizeof header) return false;
    std::memcpy(&header, message.data(), sizeof header);
    message = message.subspan(sizeof header);
    if (message.size() < header.size || message.size() - header.size < header.padding()) return false;
    const auto size = static_cast<std::size_t>(header.size);
    use(header, message.first(size));
    message = message.subspan(size + header.padding());
  }
  return true;
}

}  // namespace furrow::channel
