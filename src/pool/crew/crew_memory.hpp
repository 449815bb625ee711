// The memory that a crew of worker processes shares with the process that runs it.
//
//   CrewHeader | a WorkerSlot for each worker | a RangeSlot for each worker
//   | for each worker an outbox ring, and an inbox ring if asked for
//
// Each line (128 bytes) of a slot has one writer at a time; docs/design/pool.md has the states and who moves
// them. There are no locks and no pointers in it. Whoever dies leaves every word valid.
//
// Ownership: CrewMemory owns the segment; children inherit the mapping.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "channel/doorbell.hpp"
#include "channel/ring.hpp"
#include "os/memory/shared_memory.hpp"
#include "pool/map/range_board.hpp"

namespace furrow::pool {

inline constexpr std::uint64_t kNothing = std::numeric_limits<std::uint64_t>::max();

// What the template says of a worker, and what it is asked for.
enum class Life : std::uint32_t {
  kVacant,  // nobody, and nobody is wanted
  kWanted,  // the parent asks for a worker
  kAlive,   // the template has forked one
  kDead,    // it ended: wait_status says how
  kUnborn,  // it could not be forked: wait_status holds errno
};

// What worker and parent say to each other about work.
enum class Talk : std::uint32_t {
  kStarting,  // set before the fork; the initializer may run
  kBusy,      // worker: has work
  kHungry,    // worker: has none, and all it had is reported
  kRefilled,  // parent: there is something in your range
  kGiven,     // parent: do the places in given
  kRetired,   // worker: is about to exit, having run as many tasks as it should
  kBroken,    // worker: its initializer failed, and the outbox says how
};

enum class Ending : std::uint32_t {
  kNo,
  kSoon,  // workers end when they are hungry; stragglers are killed after a while
  kNow,   // they are killed
};

struct alignas(128) WorkerSlot {
  // Line 0, written by the worker: what it is on.
  std::atomic<std::uint64_t> published{kNothing};    // the item
  std::atomic<std::uint64_t> intent{0};              // what it is about to claim, as a word of its range
  std::atomic<std::uint64_t> block_unit{kNothing};   // first unit whose plain result is written in place
  std::atomic<std::uint64_t> block_at{0};            // where that result is, counted from the outbox ring
  std::atomic<std::uint64_t> failed_item{kNothing};  // that has failed before
  std::atomic<std::uint32_t> attempts{0};            // how often
  // Line 1: the conversation; the one whose turn it is writes.
  alignas(128) std::atomic<Talk> talk{Talk::kStarting};
  std::uint64_t given_begin = 0, given_end = 0;  // places
  std::uint32_t given_attempts = 0;              // failed ones, at the first of them
  // Line 2: birth and death, by the template where it is alive, else by the parent.
  alignas(128) std::atomic<Life> life{Life::kVacant};
  std::atomic<std::int32_t> pid{0};
  std::int32_t wait_status = 0;
  std::atomic<std::uint32_t> kill{0};  // the parent asks for its end
  channel::Doorbell bell{};            // the worker sleeps here
};

struct alignas(128) CrewHeader {
  channel::Doorbell bell{};  // the parent sleeps here
  std::atomic<Ending> ending{Ending::kNo};
};

class CrewMemory {
 public:
  static std::size_t bytes_for(int workers, std::size_t outbox, std::size_t inbox);
  // OUTBOX and INBOX are the capacities of the rings; no inboxes where it is 0. SEGMENT is large enough.
  CrewMemory(os::SharedMemory segment, int workers, std::size_t outbox, std::size_t inbox);
  // What another process has made so, as it is.
  static CrewMemory attach(os::SharedMemory segment, int workers, std::size_t outbox, std::size_t inbox);

  int workers() const { return workers_; }
  CrewHeader& header() const { return *reinterpret_cast<CrewHeader*>(segment_.data()); }
  WorkerSlot& slot(int worker) const;
  RangeSlot* ranges() const;
  std::byte* outbox(int worker) const;  // the memory of the ring
  std::byte* inbox(int worker) const;
  // Makes slot and rings of a worker new, for its first life or the next; its range stays.
  void renew(int worker) const;
  os::SharedMemory take() { return std::move(segment_); }

 private:
  struct AsItIs {};
  CrewMemory(AsItIs, os::SharedMemory segment, int workers, std::size_t outbox, std::size_t inbox)
      : segment_(std::move(segment)), workers_(workers), outbox_(outbox), inbox_(inbox) {}

  os::SharedMemory segment_;
  int workers_;
  std::size_t outbox_;
  std::size_t inbox_;
};

}  // namespace furrow::pool
