#include "pool/processes/forked_workers.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/log.hpp"
#include "os/events/clock.hpp"
#include "pool/output_memory.hpp"
#include "pool/task/failure.hpp"
#include "pool/workers/forked_worker.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kTick_ns = 100'000'000;

PoolError overwritten() {
  return PoolError(
      "the memory that the workers share with this process was overwritten, so it is unknown which tasks "
      "were "
      "run: does a task write outside of its objects?");
}

}  // namespace

ForkedWorkers::ForkedWorkers(RunningMap& run, const PoolOptions& options, WorkerMemory memory, bool alone)
    : WorkerProcesses(std::move(memory)),
      run_(run),
      options_(options),
      todo_(run.todo()),
      observed_(!run.observers.empty()),
      ranges_(memory_.ranges(), workers()),
      assignments_(static_cast<std::size_t>(workers())) {
  ranges_.fill(todo_, run_.options.chunksize);
  all_.end = todo_;
  all_.items_per_index = run_.call.block;
  all_.timeout_s = run_.options.timeout_s;
  all_.retries = run_.options.retries;
  ledger_.open(&all_);
  std::uint64_t position = 0;
  run_.for_each_range({0, todo_}, [&](std::uint64_t begin, std::uint64_t end) {
    positions_.emplace_back(begin, position);
    position += end - begin;
  });
  for (int i = 0; i < workers(); ++i) want(i);
  const NotInherited output(run_.call.cross.output, run_.call.cross.output_size);
  start_fork_server(alone, [this, maker = ::getpid()](int worker) {
    return ForkedWorker(memory_, worker, run_, options_, ranges_, maker).main();
  });
}

void ForkedWorkers::run() {
  const RunningMap::Waker waker(run_, [this] { call(); });
  while (!over()) {
    if (!step() && !over()) sleep(run_.tick || observed_ ? kTick_ns : 10 * kTick_ns);
    tick();
  }
  // If the map is not complete, running tasks must not go on. Otherwise the workers end by themselves.
  if (complete())
    end(Ending::kSoon);
  else
    end_tasks();
  require_each_once();
  if (observed_) notify_observers_of_rest();
}

// The report of a chunk comes after its last result, so some may not be read yet.
void ForkedWorkers::notify_observers_of_rest() {
  if (complete()) read_the_rest();
  for (int i = 0; i < workers(); ++i)
    notify_observers(i, assignments_[static_cast<std::size_t>(i)].next, os::monotonic_ns(),
                     os::monotonic_ns());
}

void ForkedWorkers::tick() {
  if (!run_.tick) return;
  const std::int64_t now = os::monotonic_ns();
  if (now - ticked_ns_ < kTick_ns) return;
  ticked_ns_ = now;
  run_.tick();
}

std::uint64_t ForkedWorkers::position_of(std::uint64_t index) const {
  if (const auto [first, position] = positions_.front(); positions_.size() == 1)  // unless some were restored
    return index < first ? kNothing : position + (index - first);
  const auto after = std::upper_bound(positions_.begin(), positions_.end(), index,
                                      [](std::uint64_t u, const auto& each) { return u < each.first; });
  if (after == positions_.begin()) return kNothing;
  return (after - 1)->second + (index - (after - 1)->first);
}

// The end of the range of indices that are run in which INDEX lies.
std::uint64_t ForkedWorkers::end_of_range(std::uint64_t index) const {
  const auto after = std::upper_bound(positions_.begin(), positions_.end(), index,
                                      [](std::uint64_t u, const auto& each) { return u < each.first; });
  const auto& [first, position] = *(after - 1);
  return first + ((after == positions_.end() ? todo_ : after->second) - position);
}

void ForkedWorkers::account(int worker, IndexRange indices, std::uint64_t position) {
  ledger_.reported(all_, indices.size());
  note(worker, indices, position);
}

void ForkedWorkers::Positions::failed(Failure failure, std::uint64_t position, int worker) {
  const std::uint64_t index = failure.index / items_per_index;
  workers.run_.record(std::move(failure), worker);
  workers.note(worker, {index, index + 1}, position);
}

void ForkedWorkers::note(int worker, IndexRange indices, std::uint64_t position) {
  Assignment& assignment = assignments_[static_cast<std::size_t>(worker)];
  if (position != assignment.next) assignment.reported = position;
  assignment.next = position + indices.size();
  sums_.add(position, position + indices.size());
  if (!observed_) run_.chunk_done({worker, indices, 0, 0});
}

void ForkedWorkers::notify_observers(int worker, std::uint64_t until, std::int64_t began_ns,
                                     std::int64_t ended_ns) {
  Assignment& assignment = assignments_[static_cast<std::size_t>(worker)];
  if (!observed_ || assignment.reported >= until) return;
  run_.for_each_range({assignment.reported, until}, [&](std::uint64_t begin, std::uint64_t end) {
    run_.chunk_done({worker, {begin, end}, began_ns, ended_ns});
  });
  assignment.reported = until;
}

// Reports. A worker that has overwritten its own memory may report anything, so every index is checked.

std::uint64_t ForkedWorkers::known_position(IndexRange indices) const {
  const std::uint64_t position = position_of(indices.begin);
  if (indices.begin >= indices.end || indices.end > run_.call.size || position == kNothing ||
      indices.size() > ledger_.left(all_))
    throw Nonsense{};
  return position;
}

// If ranges in the shared memory are overwritten, one index may be run twice and another one never.
void ForkedWorkers::require_each_once() const {
  if (complete() && sums_ != PowerSums::below(todo_)) throw overwritten();
}

void ForkedWorkers::on_plain(int worker, std::span<const std::byte> frame) {
  PlainHead head;
  if (run_.call.cross.run_encoded || frame.size() < sizeof head) throw Nonsense{};
  std::memcpy(&head, frame.data(), sizeof head);
  if (head.results_at > frame.size() ||
      head.count * run_.call.cross.result_size > frame.size() - head.results_at)
    throw Nonsense{};
  store_plain(worker, {head.index, head.index + head.count}, frame.data() + head.results_at);
}

void ForkedWorkers::on_plain_in_parts(int worker, const channel::FrameHeader& header) {
  PlainHead head;
  if (run_.call.cross.run_encoded || header.size < sizeof head) throw Nonsense{};
  PartsReader reader = value(worker, kWhole);
  reader.read(&head, sizeof head);
  const std::size_t bytes = static_cast<std::size_t>(header.size) - sizeof head;
  if (head.count * run_.call.cross.result_size > bytes) throw Nonsense{};
  std::byte* const results = aligned_room(aside_, bytes, alignment_of(bytes));
  reader.read(results, bytes);
  store_plain(worker, {head.index, head.index + head.count}, results);
}

void ForkedWorkers::store_plain(int worker, IndexRange indices, const std::byte* results) {
  const std::uint64_t position = known_position(indices);
  run_.call.cross.store_plain(run_.call.object, indices.begin, indices.end, results);
  account(worker, indices, position);
}

void ForkedWorkers::on_stored(int worker, const StoredHead& head) {
  const IndexRange indices{head.index, head.index + head.count};
  if (!run_.call.cross.plain_output) throw Nonsense{};
  account(worker, indices, known_position(indices));
}

void ForkedWorkers::check_result(int worker, std::uint64_t index) {
  if (index == stored_.indices.end && index < stored_.most) return;
  on_results_end(worker);
  if (!run_.call.cross.run_encoded) throw Nonsense{};
  const std::uint64_t position = known_position({index, index + 1});
  stored_ = {{index, index}, position, std::min(end_of_range(index), index + ledger_.left(all_))};
}

void ForkedWorkers::on_results_end(int worker) {
  const Stored stored = std::exchange(stored_, {});
  if (!stored.indices.empty()) account(worker, stored.indices, stored.position);
}

void ForkedWorkers::on_unread(int worker, std::uint64_t index, Failure failure) {
  failure.index = index * run_.call.block;
  on_failure(worker, index, std::move(failure));
}

void ForkedWorkers::on_failure(int worker, std::uint64_t index, Failure failure) {
  on_results_end(worker);
  const std::uint64_t position = known_position({index, index + 1});
  run_.record(std::move(failure), worker);
  account(worker, {index, index + 1}, position);
}

void ForkedWorkers::on_chunk(int worker, const ChunkTail& tail) {
  notify_observers(worker, tail.position, tail.began_ns, tail.ended_ns);
}

void ForkedWorkers::on_broken(int worker, const Failure& failure) {
  if (!over()) WorkerProcesses::on_broken(worker, failure);  // else the worker was not needed
}

bool ForkedWorkers::dispatch(int worker) {
  Assignment& assignment = assignments_[static_cast<std::size_t>(worker)];
  assignment.is_given = false;
  WorkerSlot& idle_slot = slot(worker);
  if (ledger_.waits()) {
    const WorkLedger::Subchunk given = assignment.given = ledger_.take();
    ledger_.release(given);
    assignment.is_given = true;
    idle_slot.given_begin = given.begin;
    idle_slot.given_end = given.end;
    idle_slot.given_attempts = static_cast<std::uint32_t>(given.attempts);
    idle_slot.worker_state.store(WorkerState::kGiven);
  } else if (ranges_.refill(worker)) {
    idle_slot.worker_state.store(WorkerState::kRefilled);
  } else {
    return false;
  }
  idle_slot.bell.ring();
  return true;
}

// Deaths.

IndexRange ForkedWorkers::held(int worker) const {
  const Assignment& assignment = assignments_[static_cast<std::size_t>(worker)];
  const IndexRange given{assignment.given.begin, assignment.given.end};
  switch (slot(worker).worker_state.load()) {
    case WorkerState::kGiven:
      return given;
    case WorkerState::kBusy:
      return assignment.is_given ? given : ranges_.claimed(worker, slot(worker).intent.load());
    default:
      return {};
  }
}

void ForkedWorkers::on_death(int worker, int wait_status) {
  const WorkerState worker_state = slot(worker).worker_state.load();
  // Its reports cannot be read, so it is unknown which tasks it has run.
  if (record(worker).garbled)
    throw PoolError(
        "worker " + std::to_string(worker) +
        " wrote garbage into the memory that it shares with this process, and was killed: does a task "
        "write outside of its objects?");
  account_for_death(worker, wait_status);
  const Assignment& assignment = assignments_[static_cast<std::size_t>(worker)];
  notify_observers(worker, assignment.next, os::monotonic_ns(), os::monotonic_ns());
  if (worker_state == WorkerState::kStarting && options_.initializer)
    throw PoolError(initializer_failed(worker, wait_status));
  if (worker_state != WorkerState::kRetired) ledger_.died_in_vain(workers(), wait_status);
  assignments_[static_cast<std::size_t>(worker)] = {};
  if (over()) return;
  FURROW_LOG(pool, info, "worker {} is replaced", worker);
  want(worker);
  run_.worker_replaced(worker);
}

void ForkedWorkers::account_for_death(int worker, int wait_status) {
  IndexRange rest = held(worker);
  const Assignment& assignment = assignments_[static_cast<std::size_t>(worker)];
  const std::uint64_t next = assignment.next;
  if (next > rest.begin && next <= rest.end) rest.begin = next;
  if (rest.empty()) return;
  const std::uint64_t item = slot(worker).published.load();
  const std::uint64_t position = item == kNothing ? kNothing : all_.index_of_item(item);
  if (position < rest.end && recover(worker, {rest.begin, position})) rest.begin = position;
  const bool is_first = assignment.is_given && assignment.given.begin == rest.begin;
  WorkLedger::Subchunk subchunk =
      ledger_.claimed(&all_, rest.begin, rest.end, is_first ? assignment.given.attempts : 0);
  ledger_.died(subchunk, worker, death_at(worker, ledger_.item_at_death(subchunk, item, false), wait_status));
  retry_idle_workers();
}

// Stores the results at positions that were run but not reported, if they are still in the outbox.
bool ForkedWorkers::recover(int worker, IndexRange positions) {
  const detail::CrossCall& cross = run_.call.cross;
  const std::uint64_t index = slot(worker).block.index();
  if (positions.begin >= positions.end || positions.size() > ledger_.left(all_)) return false;
  if (cross.run_encoded || index == kNothing || position_of(index) != positions.begin) return false;
  const std::uint64_t at = slot(worker).block.at();
  const std::uint64_t end = channel::Ring::bytes_for(record(worker).ring->ring().capacity());
  if (at > end || positions.size() * cross.result_size > end - at) return false;
  store_plain(worker, {index, index + positions.size()}, memory_.outbox(worker) + at);
  return true;
}

// By what this process itself knows: a worker has work until it was found idle with none left.
bool ForkedWorkers::has_work(int worker) { return !record(worker).left_idle; }

bool ForkedWorkers::is_inconsistent(int worker) {
  return slot(worker).worker_state.load() > WorkerState::kBroken;
}

// Every worker has said that it has nothing to do, and there is nothing to give, but the map is not complete.
void ForkedWorkers::check_progress() {
  if (over() || ledger_.waits()) return;
  for (int i = 0; i < workers(); ++i) {
    if (process(i).process_state.load() == ProcessState::kVacant) continue;
    if (!record(i).left_idle || !is_asleep(i)) return;
  }
  throw overwritten();
}

bool ForkedWorkers::overdue(int worker, std::uint64_t item) {
  const WorkerState worker_state = slot(worker).worker_state.load();
  if (worker_state != WorkerState::kBusy) return false;
  const std::uint64_t position = position_of(item / run_.call.block);
  const IndexRange now = held(worker);
  const std::uint64_t next = assignments_[static_cast<std::size_t>(worker)].next;
  const bool accounted = next > now.begin && next <= now.end && position < next;
  return position >= now.begin && position < now.end && !accounted;
}

}  // namespace furrow::pool
