#include "pool/crew/map_worker.hpp"

#include <algorithm>

#include "os/memory/process_memory.hpp"
#include "pool/map/participant.hpp"
#include "pool/task/failure.hpp"
#include "pool/threads/thread_crew.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kSpin_ns = 50'000;
constexpr std::size_t kWorthACall = 16 << 10;  // bytes of results
constexpr std::uint64_t kMostAtOnce = 1u << 30;

// Results of units from BEGIN on lie at FIRST: where that of unit 0 would be.
void* at_unit_zero(std::byte* first, std::uint64_t begin, std::size_t size) {
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(first) - begin * size);
}

}  // namespace

bool begin_worker(const std::function<void()>& initializer, WorkerSlot& slot, Outbox& outbox) {
  ThreadCrew::leave();
  try {
    if (initializer) initializer();
  } catch (...) {
    outbox.send_broken(current_failure());
    slot.talk.store(Talk::kBroken);
    outbox.ring_parent();
    return false;
  }
  slot.talk.store(Talk::kBusy);
  return true;
}

MapWorker::MapWorker(const CrewMemory& memory, int worker, const MapRun& run, const PoolOptions& options,
                     RangeBoard board, pid_t parent)
    : memory_(memory),
      worker_(worker),
      run_(run),
      options_(options),
      board_(board),
      slot_(memory.slot(worker)),
      outbox_(memory, worker),
      host_(slot_, outbox_, run.call.cross.run_encoded == nullptr),
      parent_(parent),
      plain_output_(static_cast<std::byte*>(run.call.cross.plain_output)),
      sizer_(run.options.chunksize),
      timed_(!run.observers.empty()),
      measuring_(timed_ || run.options.chunksize == 0) {
  host_.retries = run.options.retries;
}

int MapWorker::main() {
  if (!begin_worker(options_.initializer, slot_, outbox_)) return 1;
  detail::TaskScope scope(worker_, run_.seed, run_.number, &host_);
  scope.share = run_.share;
  scope.published = &slot_.published;
  scope_ = &scope;
  const std::uint64_t most = options_.max_tasks_per_child ? options_.max_tasks_per_child : kNothing;
  while (tasks_ < most) {
    const Span own = board_.claim_own(worker_, std::min(sizer_.next(), most - tasks_), &slot_.intent);
    if (!own.empty()) {
      run_places(own);
      continue;
    }
    if (!ask()) return 0;
  }
  slot_.talk.store(Talk::kRetired);
  return 0;
}

// False when the map is over.
bool MapWorker::ask() {
  slot_.published.store(kNothing, std::memory_order_relaxed);
  slot_.intent.store(0, std::memory_order_relaxed);
  slot_.talk.store(Talk::kHungry);
  outbox_.ring_parent();
  const auto answered = [&] {
    if (slot_.talk.load() != Talk::kHungry) return channel::Status::kOk;
    return memory_.header().ending.load() == Ending::kNo ? channel::Status::kTimeout
                                                         : channel::Status::kClosed;
  };
  if (slot_.bell.wait({}, kSpin_ns, answered) != channel::Status::kOk) return false;
  const bool given = slot_.talk.load() == Talk::kGiven;
  slot_.talk.store(Talk::kBusy);
  if (given) {
    const Span places{slot_.given_begin, slot_.given_end};
    run_.for_units({places.begin, places.begin + 1}, [&](std::uint64_t unit, std::uint64_t) {
      host_.tried(unit, static_cast<int>(slot_.given_attempts));
    });
    run_places(places);
  }
  return true;
}

void MapWorker::run_places(Span places) {
  tasks_ += places.size();
  std::int64_t began = measuring_ ? steady_ns() : 0;
  run_.for_units(places, [&](std::uint64_t begin, std::uint64_t end) {
    run_units({begin, end});
    places.begin += end - begin;
    if (!measuring_) return;
    const std::int64_t ended = steady_ns();
    sizer_.measured(end - begin, static_cast<std::uint64_t>(ended - began));
    if (timed_) outbox_.send_chunk({places.begin, began, ended});
    began = ended;
  });
  if (timed_ || outbox_.half_full()) outbox_.ring_parent();
}

void MapWorker::run_units(Span units) {
  const detail::CrossCall& cross = run_.call.cross;
  if (cross.run_encoded)
    cross.run_encoded(run_.call.object, *scope_, units.begin, units.end, outbox_);
  else
    run_plain(units);
}

// What lies in the outbox is copied to its place by this worker, beside the others, instead of by the parent
// alone. Until that is reported the outbox still holds it, for a parent that has to take stock.
bool MapWorker::store_there(Span units, const std::byte* results) {
  const std::size_t size = run_.call.cross.result_size;
  const auto bytes = static_cast<std::size_t>(units.size()) * size;
  if (!plain_output_ || bytes < kWorthACall) return false;
  if (os::write_memory_of(parent_, plain_output_ + units.begin * size, results, bytes)) return true;
  plain_output_ = nullptr;  // it is forbidden here
  return false;
}

void MapWorker::run_plain(Span units) {
  const detail::CrossCall& cross = run_.call.cross;
  const std::size_t size = cross.result_size;
  const bool in_place = size <= outbox_.largest_block();
  const std::uint64_t most = size == 0 ? kMostAtOnce : in_place ? outbox_.largest_block() / size : 1;
  while (!units.empty()) {
    const std::uint64_t begin = units.begin, end = begin + std::min(units.size(), most);
    std::byte* results = nullptr;
    if (in_place) {
      results = outbox_.reserve(static_cast<std::size_t>(end - begin) * size, alignment_of(size));
      slot_.block_at.store(static_cast<std::uint64_t>(results - memory_.outbox(worker_)),
                           std::memory_order_relaxed);
      slot_.block_unit.store(begin, std::memory_order_relaxed);
    } else {
      results = aligned_room(aside_, size, alignment_of(size));
    }
    host_.begin_stretch();
    cross.run_plain(run_.call.object, *scope_, begin, end, at_unit_zero(results, begin, size));
    const bool stopped = host_.stopped_at() != kNothing;
    units.begin = stopped ? host_.stopped_at() : end;
    const std::uint64_t count = units.begin - begin;
    if (count > 0 && in_place) {
      if (store_there({begin, begin + count}, results))
        outbox_.send_stored(begin, count);
      else
        outbox_.commit(begin, count, static_cast<std::size_t>(count) * size);
    }
    if (count > 0 && !in_place) outbox_.send_plain(begin, count, results, size);
    if (!stopped) continue;
    if (const auto failure = host_.take_failure()) outbox_.send_failure(units.begin++, *failure);
  }
}

}  // namespace furrow::pool
