// The memory that worker processes share with their parent.
//
//   ProcessTable | a ProcessSlot for each worker | (from here on, workers may write) the parent's doorbell
//   | a WorkerSlot for each worker | a RangeSlot for each worker
//   | for each worker an outbox ring, and an inbox ring if asked for
//
// Each line (128 bytes) of a slot has one writer at a time; docs/design/pool.md lists the states and which
// process changes them. The memory contains no locks and no pointers, and a process that dies at any moment
// leaves every word valid.
//
// A task may write wildly. So pids and all else by which parent and template know each other lie in pages of their
// own, which workers can only read; whatever a worker can write is checked before it is used.
//
// Ownership: WorkerMemory owns the segment; children inherit the mapping.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "channel/doorbell.hpp"
#include "channel/ring.hpp"
#include "furrow/detail/published_item.hpp"
#include "os/memory/shared_memory.hpp"
#include "pool/map/work_stealing_ranges.hpp"

namespace furrow::pool {

inline constexpr std::uint64_t kNothing = std::numeric_limits<std::uint64_t>::max();

// The state of a worker's process: what the parent asks the template for, and what the template reports.
enum class ProcessState : std::uint32_t {
  kVacant,      // there is no process, and none is wanted
  kWanted,      // the parent asks for a process
  kAlive,       // the template has forked it
  kDead,        // it has ended: wait_status says how
  kForkFailed,  // it could not be forked: wait_status holds errno
};

// How a worker and the parent hand work to each other. The one named sets the state.
enum class WorkerState : std::uint32_t {
  kStarting,  // parent, before the fork: the initializer may run
  kBusy,      // worker: has work
  kIdle,      // worker: has no work, and has reported all that it had
  kRefilled,  // parent: the worker's range has been refilled
  kGiven,     // parent: the worker should run the positions in given_begin to given_end
  kRetired,   // worker: about to exit after max_tasks_per_child tasks
  kBroken,    // worker: its initializer failed; the outbox holds the failure
};

enum class Ending : std::uint32_t {
  kNo,
  kSoon,  // workers end when they are idle; those that take too long are killed
  kStop,  // workers whose task has asked whether it should end have some time to do so; all others are killed
  kNow,   // all workers are killed
};

// What the parent asks the template to do with a worker.
enum class Kill : std::uint32_t { kNo, kPrograms, kWorker };

// A ProcessSlot's word for the task that should end: that of one message, or any.
inline constexpr std::uint64_t kNoTask = 0, kAnyTask = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint64_t task_of_message(std::uint32_t sequence) {
  return std::uint64_t{1} << 32 | sequence;
}
// How long a task that has asked may take to end.
inline constexpr std::int64_t kTimeToEnd_ns = 2'000'000'000;

// Where a worker writes results one after the other before it reports them, if it does. Published like the item
// (detail::PublishedItem says why its stores may be relaxed): results from index() up to the published item are
// complete, also when the worker dies before it reports them.
class PublishedBlock {
 public:
  // AT: where the result of INDEX will be, relative to the outbox ring.
  void open(std::uint64_t index, std::uint64_t at) noexcept {
    at_.store(at, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_release);
    index_.store(index, std::memory_order_relaxed);
  }
  void close() noexcept { index_.store(kNothing, std::memory_order_relaxed); }
  std::uint64_t index() const noexcept {
    return index_.load(std::memory_order_relaxed);
  }  // kNothing: no block
  std::uint64_t at() const noexcept { return at_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> index_{kNothing};
  std::atomic<std::uint64_t> at_{0};
};

struct alignas(128) WorkerSlot {
  // Line 0: what the worker is doing. Written by the worker.
  detail::PublishedItem published{};                 // the item that it runs
  std::atomic<std::uint64_t> intent{0};              // what it is about to claim, as a word of its range
  PublishedBlock block{};                            // where it writes plain results in place
  std::atomic<std::uint64_t> failed_item{kNothing};  // the last item that failed
  std::atomic<std::uint32_t> attempts{0};            // failed attempts at failed_item
  std::atomic<std::uint64_t> asked{kNothing};        // the item whose task asked last whether it should end
  // Whether the task that runs now has asked that.
  bool asks() const {
    const std::uint64_t item = published.load();
    return item != kNothing && asked.load(std::memory_order_relaxed) == item;
  }
  // Line 1: handing over work. Written by the worker or the parent in turn, as worker_state says.
  alignas(128) std::atomic<WorkerState> worker_state{WorkerState::kStarting};
  std::uint64_t given_begin = 0, given_end = 0;  // positions
  std::uint32_t given_attempts = 0;              // failed attempts at given_begin
  channel::Doorbell bell{};                      // the worker sleeps here
};

// A worker's process. Written by the template while the process is wanted or alive, else by the parent.
struct alignas(64) ProcessSlot {
  std::atomic<ProcessState> process_state{ProcessState::kVacant};
  std::atomic<std::int32_t> pid{0};
  std::int32_t wait_status = 0;
  std::atomic<Kill> kill{Kill::kNo};         // set by the parent
  std::atomic<std::uint64_t> stop{kNoTask};  // set by the parent: the task that should end
};

struct alignas(64) ProcessTable {
  std::atomic<Ending> ending{Ending::kNo};
};

class WorkerMemory {
 public:
  static std::size_t bytes_for(int workers, std::size_t outbox, std::size_t inbox);
  // OUTBOX and INBOX are the capacities of the rings; if INBOX is 0, there are none. SEGMENT must be large
  // enough.
  WorkerMemory(os::SharedMemory segment, int workers, std::size_t outbox, std::size_t inbox);
  // Uses memory that another process has set up, as it is.
  static WorkerMemory attach(os::SharedMemory segment, int workers, std::size_t outbox, std::size_t inbox);

  int workers() const { return workers_; }
  std::atomic<Ending>& ending() const { return reinterpret_cast<ProcessTable*>(segment_.data())->ending; }
  ProcessSlot& process(int worker) const;
  channel::Doorbell& bell() const;  // the parent sleeps here
  WorkerSlot& slot(int worker) const;
  // Called in a worker: from now on this process can only read the table of processes.
  void protect_processes() const;
  RangeSlot* ranges() const;
  std::byte* outbox(int worker) const;  // the memory of the ring
  std::byte* inbox(int worker) const;
  // Resets the slot and rings of a worker for a new process; its range stays.
  void renew(int worker) const;
  os::SharedMemory take() { return std::move(segment_); }

 private:
  struct AsItIs {};
  WorkerMemory(AsItIs, os::SharedMemory segment, int workers, std::size_t outbox, std::size_t inbox)
      : segment_(std::move(segment)), workers_(workers), outbox_(outbox), inbox_(inbox) {}

  os::SharedMemory segment_;
  int workers_;
  std::size_t outbox_;
  std::size_t inbox_;
};

}  // namespace furrow::pool
