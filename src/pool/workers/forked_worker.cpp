#include "pool/workers/forked_worker.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "os/events/clock.hpp"
#include "os/events/futex.hpp"
#include "os/memory/process_memory.hpp"
#include "pool/task/failure.hpp"
#include "pool/task/finalizer.hpp"
#include "pool/threads/worker_threads.hpp"

namespace furrow::pool {

namespace {

constexpr std::size_t kWorthACall = 16 << 10;  // bytes of results that justify a system call to copy them
constexpr std::uint64_t kMostAtOnce = 1u << 30;

// How many results of SIZE bytes fit into a block of the outbox; 1 if none does, since they are then sent one by one.
std::uint64_t most_in_block(const Outbox& outbox, std::size_t size) {
  return size == 0 ? kMostAtOnce : std::max<std::uint64_t>(outbox.largest_block() / size, 1);
}

// Where the result of index 0 would be, if the results from index BEGIN on are at FIRST.
void* at_index_zero(std::byte* first, std::uint64_t begin, std::size_t size) {
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(first) - begin * size);
}

}  // namespace

bool begin_worker(const std::function<void()>& initializer, WorkerSlot& slot, Outbox& outbox) {
  WorkerThreads::reset_after_fork();
  try {
    if (initializer) initializer();
  } catch (...) {
    outbox.send_broken(current_failure());
    slot.worker_state.store(WorkerState::kBroken);
    outbox.ring_parent();
    return false;
  }
  slot.worker_state.store(WorkerState::kBusy);
  return true;
}

ForkedWorker::ForkedWorker(const WorkerMemory& memory, int worker, const RunningMap& run,
                           const PoolOptions& options, WorkStealingRanges ranges, pid_t parent)
    : memory_(memory),
      worker_(worker),
      run_(run),
      options_(options),
      ranges_(ranges),
      slot_(memory.slot(worker)),
      outbox_(memory, worker),
      host_(memory, worker, outbox_, run.call.cross.run_encoded == nullptr),
      parent_(parent),
      plain_output_(static_cast<std::byte*>(run.call.cross.plain_output)),
      in_place_(run.call.cross.result_size <= outbox_.largest_block()),
      most_in_block_(most_in_block(outbox_, run.call.cross.result_size)),
      claim_(run.options.chunksize),
      timed_(!run.observers.empty()),
      measuring_(timed_ || run.options.chunksize != 1) {
  host_.retries = run.options.retries;
}

int ForkedWorker::main() {
  if (!begin_worker(options_.initializer, slot_, outbox_)) return 1;
  detail::TaskScope scope(run_.origin(worker_), &host_, &slot_.published);
  scope_ = &scope;
  const std::uint64_t most = options_.max_tasks_per_child ? options_.max_tasks_per_child : kNothing;
  while (tasks_ < most && !host_.should_end()) {
    const std::uint64_t want = std::min(claim_ ? claim_ : sizer_.next(), most - tasks_);
    const IndexRange own = ranges_.claim_own(worker_, want, &slot_.intent);
    if (!own.empty()) {
      run_positions(own);
      continue;
    }
    if (ask()) continue;
    FURROW_LOG(pool, debug, "worker {} has run {} indices, its chunks held {} at last", worker_, tasks_,
               sizer_.next());
    run_finalizer(options_.finalizer, worker_);
    return 0;
  }
  slot_.published.clear();
  run_finalizer(options_.finalizer, worker_);
  slot_.worker_state.store(WorkerState::kRetired);
  return 0;
}

// Asks the parent for work; false when the map is over.
bool ForkedWorker::ask() {
  slot_.published.clear();
  slot_.intent.store(0, std::memory_order_relaxed);
  slot_.worker_state.store(WorkerState::kIdle);
  outbox_.ring_parent();
  const auto answered = [&] {
    if (slot_.worker_state.load() != WorkerState::kIdle) return channel::Status::kOk;
    return memory_.ending().load() == Ending::kNo ? channel::Status::kTimeout : channel::Status::kClosed;
  };
  if (slot_.bell.wait({}, os::kSpinNs, answered) != channel::Status::kOk) return false;
  const bool given = slot_.worker_state.load() == WorkerState::kGiven;
  slot_.worker_state.store(WorkerState::kBusy);
  if (given) {
    const IndexRange positions{slot_.given_begin, slot_.given_end};
    run_.for_each_range({positions.begin, positions.begin + 1}, [&](std::uint64_t index, std::uint64_t) {
      host_.tried(index, static_cast<int>(slot_.given_attempts));
    });
    run_positions(positions);
  }
  return true;
}

void ForkedWorker::run_positions(IndexRange positions) {
  tasks_ += positions.size();
  if (measuring_) {
    run_measured(positions);
  } else {
    run_.for_each_range(positions, [&](std::uint64_t begin, std::uint64_t end) {
      if (!host_.should_end()) run_indices({begin, end});
    });
  }
  if (timed_ || outbox_.half_full()) outbox_.ring_parent();
}

// A claim of a given size is run in pieces of some 50 us, so that a map that is stopped begins no further item of it.
void ForkedWorker::run_measured(IndexRange positions) {
  std::int64_t began = os::monotonic_ns();
  run_.for_each_range(positions, [&](std::uint64_t begin, std::uint64_t end) {
    positions.begin += end - begin;
    const std::int64_t chunk_began = began;
    while (begin < end && !host_.should_end()) {
      const std::uint64_t stop = begin + std::min(end - begin, sizer_.next());
      run_indices({begin, stop});
      const std::int64_t ended = os::monotonic_ns();
      sizer_.measured(stop - begin, static_cast<std::uint64_t>(ended - began));
      began = ended;
      begin = stop;
    }
    if (timed_ && begin == end) outbox_.send_chunk({positions.begin, chunk_began, began});
  });
}

void ForkedWorker::run_indices(IndexRange indices) {
  const detail::CrossCall& cross = run_.call.cross;
  if (cross.run_encoded)
    cross.run_encoded(run_.call.object, *scope_, indices.begin, indices.end, outbox_);
  else
    run_plain(indices);
}

// Copies results from the outbox straight into the parent's memory, so that all workers copy in parallel and
// the parent need not. Until that is reported the outbox still holds the results, in case this worker dies.
bool ForkedWorker::store_there(IndexRange indices, const std::byte* results) {
  const std::size_t size = run_.call.cross.result_size;
  const auto bytes = static_cast<std::size_t>(indices.size()) * size;
  if (!plain_output_ || bytes < kWorthACall) return false;
  if (os::write_memory_of(parent_, plain_output_ + indices.begin * size, results, bytes)) return true;
  plain_output_ = nullptr;  // the system forbids it
  return false;
}

void ForkedWorker::run_plain(IndexRange indices) {
  const detail::CrossCall& cross = run_.call.cross;
  const std::size_t size = cross.result_size;
  while (!indices.empty()) {
    const std::uint64_t begin = indices.begin, end = begin + std::min(indices.size(), most_in_block_);
    std::byte* results = nullptr;
    if (in_place_) {
      results = outbox_.reserve(static_cast<std::size_t>(end - begin) * size, alignment_of(size));
      slot_.block.open(begin, static_cast<std::uint64_t>(results - outbox_.memory()));
    } else {
      results = aligned_room(aside_, size, alignment_of(size));
    }
    host_.begin_range();
    cross.run_plain(run_.call.object, *scope_, begin, end, at_index_zero(results, begin, size));
    const bool stopped = host_.stopped_at() != kNothing;
    indices.begin = stopped ? host_.stopped_at() : end;
    const std::uint64_t count = indices.begin - begin;
    if (count > 0 && in_place_) {
      if (store_there({begin, begin + count}, results))
        outbox_.send_stored(begin, count);
      else
        outbox_.commit(begin, count, static_cast<std::size_t>(count) * size);
    }
    if (count > 0 && !in_place_) outbox_.send_plain(begin, count, results, size);
    if (!stopped) continue;
    if (const auto failure = host_.take_failure()) outbox_.send_failure(indices.begin++, *failure);
  }
}

}  // namespace furrow::pool
