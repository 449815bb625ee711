// A stream of bytes from one process (or thread) to one other, in memory that both see.
//
// Memory: Ring::bytes_for(capacity) bytes, aligned to Ring::kAlignment, of the caller's; no pointers inside,
// so each side may have it at another address. The header, one line (128 bytes: the prefetcher takes two of
// 64) for each party that writes:
//
//   line 0  capacity, state           read by both, written at the end
//   line 1  head: bytes ever written  stored by the writer, and the processor it ran on when it last did
//   line 2  tail: bytes ever read     stored by the reader, and likewise
//   line 3  the reader's waiting word (wait.hpp)
//   line 4  the writer's waiting word
//   then    the bytes; byte number n of the stream lies at n mod capacity
//
// Ordering: the writer fills bytes, then stores head; the reader loads head, reads the bytes, then stores
// tail; the writer loads tail before it fills them again. These stores and loads are release and acquire for
// the bytes, and seq_cst so that no wake-up is lost. Each side remembers the other's last known index and
// looks again only when that does not suffice.
//
// A side that waits does not spin where its peer was last seen on the same processor: the peer could not run
// there before we leave it.
//
// States: open -> writer closed | reader closed | abandoned (bits that are set and never cleared). After
// "writer closed" the reader still gets all that was published, then kClosed; the writer's next call after
// "reader closed" is kClosed. "Abandoned" is set by the survivor, or anybody on its side, once the peer is
// known to be dead (reaped): the reader gets what was published, then kPeerDied; the writer gets kPeerDied.
// Until then a dead peer looks like a slow one; so either wait with a timeout, or have someone who watches
// the peer. Shutdown: each side closes; the memory may go when both are gone, or are known to be dead.
//
// Thread-safety: one thread at a time for the RingWriter, one for the RingReader. Ring's own functions are
// free for all. A timeout counts from the last progress: a long transfer that moves may take longer. Neither
// side trusts the other's index: one that is out of bounds is kTorn, never an access outside. Ownership:
// none; all of these borrow the memory. Units: bytes, nanoseconds.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "channel/doorbell.hpp"
#include "channel/wait.hpp"

namespace furrow::channel {

struct alignas(128) RingHeader {
  std::uint64_t capacity = 0;
  std::atomic<std::uint32_t> state{0};
  alignas(128) std::atomic<std::uint64_t> head{0};
  std::atomic<std::uint32_t> writer_processor{kNoProcessor};
  alignas(128) std::atomic<std::uint64_t> tail{0};
  std::atomic<std::uint32_t> reader_processor{kNoProcessor};
  alignas(128) std::atomic<std::uint32_t> reader_waiting{0};
  alignas(128) std::atomic<std::uint32_t> writer_waiting{0};
};

// What both sides hold of a ring: where it is, and its capacity. Cheap to copy.
class Ring {
 public:
  static constexpr std::size_t kAlignment = alignof(RingHeader);
  static constexpr std::size_t kSmallest = 64;
  static constexpr std::size_t bytes_for(std::size_t capacity) { return sizeof(RingHeader) + capacity; }

  // Makes an empty, open ring; also in the place of an old one that nobody uses any more. CAPACITY is a power
  // of two, kSmallest at least.
  static Ring create(void* memory, std::size_t capacity);
  // One that was created there, perhaps by another process.
  static Ring attach(void* memory);

  std::size_t capacity() const { return capacity_; }

  void abandon() const;  // the peer is dead; wakes whoever is left (who sleeps at a Doorbell: nudge that)
  void nudge() const;    // wakes whoever sleeps, to look at its cancelled word

 private:
  friend class RingWriter;
  friend class RingReader;
  Ring(RingHeader* header, std::size_t capacity) : header_(header), capacity_(capacity) {}
  std::byte* at(std::uint64_t position) const;
  std::size_t until_wrap(std::uint64_t position) const { return capacity_ - (position & (capacity_ - 1)); }

  RingHeader* header_;
  std::size_t capacity_;
};

// How much was moved, and why not all.
struct Transfer {
  Status status = Status::kOk;
  std::size_t bytes = 0;
};

class RingWriter {
 public:
  // DOORBELL is rung after each change besides the ring's own wake-up; null: none.
  explicit RingWriter(Ring ring, Doorbell* doorbell = nullptr, std::int64_t spin_ns = default_spin_ns());

  // Copies all bytes in, however many; waits for room where there is none. What is copied becomes visible
  // with publish(), and piece by piece whenever the ring is full. Bytes that were copied stay so when it ends
  // early.
  Transfer write(const void* bytes, std::size_t size, const Patience& patience = {});

  // Without copying: room for at least SIZE bytes (at most the capacity; the room may lie in two pieces, and
  // space() is the first of them), then advance() over what was filled, then publish().
  Status wait_space(std::size_t size, const Patience& patience = {});
  std::span<std::byte> space();
  void advance(std::size_t size) { staged_ += size; }

  void publish();               // makes what was written visible to the reader, and wakes it
  void close();                 // publishes, and says that no more comes
  std::size_t free_bytes();     // room there is now; grows by itself
  bool reader_is_gone() const;  // closed or dead
  const Ring& ring() const { return ring_; }

 private:
  bool look();
  Status room_for(std::size_t size);

  Ring ring_;
  Doorbell* doorbell_;
  std::int64_t spin_ns_;
  std::uint64_t staged_;     // bytes ever written, published or not
  std::uint64_t published_;  // = head
  std::uint64_t tail_;       // the reader's, as last seen
};

class RingReader {
 public:
  explicit RingReader(Ring ring, Doorbell* doorbell = nullptr, std::int64_t spin_ns = default_spin_ns());

  // Exactly SIZE bytes, however many; fewer only where the status says why.
  Transfer read(void* to, std::size_t size, const Patience& patience = {});
  Transfer skip(std::size_t size, const Patience& patience = {});

  // Without copying: waits until SIZE bytes (at most the capacity) have come; available() is the first piece
  // of what has; then advance() over what was used, then release().
  Status wait(std::size_t size, const Patience& patience = {});
  std::span<const std::byte> available();
  void advance(std::size_t size);
  void release();  // gives the room of what was read back to the writer, and wakes it
  // The same once it is a quarter of the ring: a writer that waits need not be woken for every small message.
  // The rest is given back when nothing is left to read.
  void release_in_batches();

  Status has(std::size_t size);  // without waiting: kOk, kTimeout for not yet, or what kOk will never follow
  std::size_t readable();        // bytes there are now; grows by itself
  void close();                  // the writer need not write any more
  const Ring& ring() const { return ring_; }

 private:
  template <class Use>
  Transfer take(std::size_t size, const Patience& patience, Use use);
  bool look();

  Ring ring_;
  Doorbell* doorbell_;
  std::int64_t spin_ns_;
  std::uint64_t head_;      // the writer's, as last seen
  std::uint64_t tail_;      // bytes ever read
  std::uint64_t released_;  // = tail
};

}  // namespace furrow::channel
