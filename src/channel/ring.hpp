// A stream of bytes from one process (or thread) to another, in memory that both see.
//
// Memory: Ring::bytes_for(capacity) bytes, aligned to Ring::kAlignment, which the caller provides. There are
// no pointers inside, so each side may map it at another address. The header has a line for each word that
// one side writes (128 bytes, since the prefetcher fetches pairs of 64-byte lines):
//
//   line 0  capacity, state           read by both sides, written when a side closes or dies
//   line 1  head: bytes ever written  stored by the writer, with the processor on which it last stored
//   line 2  tail: bytes ever read     stored by the reader, with the processor on which it last stored
//   line 3  the reader's waiting word (wait.hpp)
//   line 4  the writer's waiting word
//   then    the bytes; byte number n of the stream lies at n mod capacity
//
// Ordering: the writer fills bytes, then stores head; the reader loads head, reads the bytes, then stores
// tail; the writer loads tail before it fills them again. These stores and loads are release and acquire for
// the bytes, and seq_cst so that no wake-up is lost. Each side remembers the other's last known index and
// looks again only when that does not suffice.
//
// A waiting side does not spin if its peer was last seen on the same processor: the peer could not run there
// until the waiting side gives the processor up.
//
// States: open -> writer closed | reader closed | abandoned (bits that are set and never cleared). After
// "writer closed" the reader still gets everything that was published, then kClosed. After "reader closed"
// the writer's next call returns kClosed. "Abandoned" is set by the survivor, or by any process on its side,
// once the peer is known to be dead (reaped): the reader gets what was published, then kPeerDied; the writer
// gets kPeerDied. Until then a dead peer looks like a slow one, so either wait with a timeout or watch the
// peer. Shutdown: each side closes. The memory may be freed when both sides are finished or known to be dead.
//
// Thread-safety: one thread at a time for the RingWriter, one for the RingReader; any thread may call the
// functions of Ring itself. A timeout counts from the last progress, so a long transfer may take longer.
// Neither side trusts the other's index: an index that is out of bounds gives kTorn, never an access out of
// bounds. Ownership: these classes borrow the memory. Units: bytes, nanoseconds.
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

// A handle to a ring: its address and capacity. Cheap to copy.
class Ring {
 public:
  static constexpr std::size_t kAlignment = alignof(RingHeader);
  static constexpr std::size_t kSmallest = 64;
  static constexpr std::size_t bytes_for(std::size_t capacity) { return sizeof(RingHeader) + capacity; }

  // Makes an empty, open ring; also over an old one that nobody uses any longer. CAPACITY is a power of two
  // and at least kSmallest.
  static Ring create(void* memory, std::size_t capacity);
  // The ring that was created there, perhaps by another process.
  static Ring attach(void* memory);

  std::size_t capacity() const { return capacity_; }

  // The peer is dead: wakes the other side. If that sleeps on a Doorbell, nudge the doorbell as well.
  void abandon() const;
  // Wakes a side that sleeps, so that it looks at its cancelled word.
  void nudge() const;
  // Wakes both sides whatever their waiting words say: they may have been overwritten.
  void wake_anyway() const;
  // Whether the reader sleeps until more bytes come, or died asleep.
  bool is_reader_parked() const;

 private:
  friend class RingWriter;
  friend class RingReader;
  Ring(RingHeader* header, std::size_t capacity) : header_(header), capacity_(capacity) {}
  std::byte* at(std::uint64_t position) const;
  std::size_t until_wrap(std::uint64_t position) const { return capacity_ - (position & (capacity_ - 1)); }

  RingHeader* header_;
  std::size_t capacity_;
};

// How many bytes were moved, and why not all of them.
struct Transfer {
  Status status = Status::kOk;
  std::size_t bytes = 0;
};

class RingWriter {
 public:
  // DOORBELL, which may be null, is rung after each change, in addition to the ring's own wake-up.
  explicit RingWriter(Ring ring, Doorbell* doorbell = nullptr, std::int64_t spin_ns = default_spin_ns());

  // Copies all bytes in, however many, and waits for space as needed. They become visible with publish(), and
  // part by part whenever the ring is full. If it ends early, the bytes that were copied remain.
  Transfer write(const void* bytes, std::size_t size, const Patience& patience = {});

  // Without copying: wait for at least SIZE bytes of space (at most the capacity), fill space(), advance()
  // over what was filled, then publish(). The space may be in two parts; space() is the first.
  Status wait_space(std::size_t size, const Patience& patience = {});
  std::span<std::byte> space();
  void advance(std::size_t size) { staged_ += size; }

  void publish();            // makes what was written visible to the reader, and wakes it
  void close();              // publishes, and marks the end of the stream
  std::size_t free_bytes();  // free space now; it can only grow
  // Whether SIZE bytes are free. Looks at the reader's index only if what is known does not suffice.
  bool has_space(std::size_t size) {
    return ring_.capacity() - (staged_ - tail_) >= size || free_bytes() >= size;
  }
  bool is_torn() { return !look(); }  // whether the reader's index is impossible
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

  // Reads exactly SIZE bytes, however many; fewer only if the status says why.
  Transfer read(void* to, std::size_t size, const Patience& patience = {});
  Transfer skip(std::size_t size, const Patience& patience = {});

  // Without copying: wait until SIZE bytes (at most the capacity) have arrived, use available(), advance()
  // over what was used, then release(). The bytes may be in two parts; available() is the first.
  Status wait(std::size_t size, const Patience& patience = {});
  std::span<const std::byte> available();
  void advance(std::size_t size);
  void release();  // gives the space of what was read back to the writer, and wakes it
  // The same, but only once a quarter of the ring was read: so a waiting writer is not woken for every small
  // message. The rest is given back when nothing is left to read.
  void release_in_batches();

  // Without waiting: kOk, kTimeout for "not yet", or why SIZE bytes will never arrive.
  Status has(std::size_t size);
  std::size_t readable();  // how many bytes have arrived; it can only grow
  void close();            // tells the writer to stop
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
