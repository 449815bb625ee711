#include "pool/processes/snapshot_crew.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "pool/crew/map_worker.hpp"
#include "pool/map/participant.hpp"
#include "pool/output_memory.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kTick_ns = 100'000'000;

}  // namespace

SnapshotCrew::SnapshotCrew(MapRun& run, const PoolOptions& options, CrewMemory memory, bool alone)
    : WorkerCrew(std::move(memory)),
      run_(run),
      options_(options),
      todo_(run.todo()),
      observed_(!run.observers.empty()),
      board_(memory_.ranges(), workers()),
      hands_(static_cast<std::size_t>(workers())) {
  board_.fill(todo_, run_.options.chunksize);
  std::uint64_t place = 0;
  run_.for_units({0, todo_}, [&](std::uint64_t begin, std::uint64_t end) {
    places_.emplace_back(begin, place);
    place += end - begin;
  });
  for (int i = 0; i < workers(); ++i) want(i);
  const NotInherited output(run_.call.cross.output, run_.call.cross.output_size);
  found(alone, [this, maker = ::getpid()](int worker) {
    return MapWorker(memory_, worker, run_, options_, board_, maker).main();
  });
}

void SnapshotCrew::run() {
  while (!over()) {
    if (!step() && !over()) sleep(run_.tick || observed_ ? kTick_ns : 10 * kTick_ns);
    tick();
  }
  // Workers whose task must not go on are killed; the others only have to be told.
  end(accounted_ == todo_ ? Ending::kSoon : Ending::kNow);
  if (observed_) tell_observers_the_rest();
}

// The report of a chunk comes after its last result.
void SnapshotCrew::tell_observers_the_rest() {
  if (accounted_ == todo_) read_the_rest();
  for (int i = 0; i < workers(); ++i)
    tell_observers(i, hands_[static_cast<std::size_t>(i)].next, steady_ns(), steady_ns());
}

void SnapshotCrew::tick() {
  if (!run_.tick) return;
  const std::int64_t now = steady_ns();
  if (now - ticked_ns_ < kTick_ns) return;
  ticked_ns_ = now;
  run_.tick();
}

std::uint64_t SnapshotCrew::place_of(std::uint64_t unit) const {
  const auto after = std::upper_bound(places_.begin(), places_.end(), unit,
                                      [](std::uint64_t u, const auto& each) { return u < each.first; });
  if (after == places_.begin()) return kNothing;
  return (after - 1)->second + (unit - (after - 1)->first);
}

void SnapshotCrew::account(int worker, Span units) {
  Hand& hand = hands_[static_cast<std::size_t>(worker)];
  const std::uint64_t place = place_of(units.begin);
  if (place != hand.next) hand.reported = place;
  hand.next = place + units.size();
  accounted_ += units.size();
  progress_ += units.size();
  if (!observed_) run_.chunk_done({worker, units, 0, 0});
}

void SnapshotCrew::tell_observers(int worker, std::uint64_t until, std::int64_t began_ns,
                                  std::int64_t ended_ns) {
  Hand& hand = hands_[static_cast<std::size_t>(worker)];
  if (!observed_ || hand.reported >= until) return;
  run_.for_units({hand.reported, until}, [&](std::uint64_t begin, std::uint64_t end) {
    run_.chunk_done({worker, {begin, end}, began_ns, ended_ns});
  });
  hand.reported = until;
}

// What workers report. One that has overwritten its own memory may report anything: nothing of it may lead
// outside of the map.

void SnapshotCrew::require_known(Span units) const {
  if (units.begin >= units.end || units.end > run_.call.size || place_of(units.begin) == kNothing ||
      accounted_ + units.size() > todo_)
    throw Nonsense{};
}

void SnapshotCrew::on_frame(int worker, const channel::FrameHeader& header) {
  switch (header.kind) {
    case kPlain:
      return take_plain(worker, header);
    case kStored:
      return take_stored(worker);
    case kResult:
      return take_result(worker, header);
    case kFailure:
      return take_failure(worker);
    case kChunk:
      return take_chunk(worker);
    case kBroken:
      return take_broken(worker);
    default:
      value(worker, kWhole).skip_rest();
  }
}

void SnapshotCrew::take_plain(int worker, const channel::FrameHeader& header) {
  channel::FrameReader& frames = *lane(worker).frames;
  if (header.size < sizeof(PlainHead)) throw Nonsense{};
  const auto here = frames.contiguous();
  const auto size = static_cast<std::size_t>(header.size);
  const std::size_t each = run_.call.cross.result_size;
  PlainHead head;
  if (here.size() >= size) {
    std::memcpy(&head, here.data(), sizeof head);
    if (head.results_at > size || head.count * each > size - head.results_at) throw Nonsense{};
    store_plain(worker, {head.unit, head.unit + head.count}, here.data() + head.results_at);
    frames.consume(size);
    return;
  }
  PartsReader reader = value(worker, kWhole);
  reader.read(&head, sizeof head);
  const std::size_t bytes = size - sizeof head;
  if (head.count * each > bytes) throw Nonsense{};
  std::byte* const results = aligned_room(aside_, bytes, alignment_of(bytes));
  reader.read(results, bytes);
  store_plain(worker, {head.unit, head.unit + head.count}, results);
}

void SnapshotCrew::store_plain(int worker, Span units, const std::byte* results) {
  require_known(units);
  run_.call.cross.store_plain(run_.call.object, units.begin, units.end, results);
  account(worker, units);
}

void SnapshotCrew::take_stored(int worker) {
  PartsReader reader = value(worker, kWhole);
  StoredHead head;
  reader.read(&head, sizeof head);
  const Span units{head.unit, head.unit + head.count};
  if (!run_.call.cross.plain_output) throw Nonsense{};
  require_known(units);
  account(worker, units);
}

void SnapshotCrew::take_result(int worker, const channel::FrameHeader& header) {
  PartsReader reader = value(worker, header.flags);
  std::uint64_t unit = 0;
  reader.read(&unit, sizeof unit);
  require_known({unit, unit + 1});
  try {
    run_.call.cross.store_encoded(run_.call.object, unit, reader);
  } catch (const ValueTorn&) {
    throw;
  } catch (const ValueDropped&) {
    return;  // its failure follows
  } catch (...) {
    Failure failure = current_failure();
    failure.kind = FailureKind::kLost;
    failure.message = "its result could not be read: " + failure.message;
    failure.index = unit * run_.call.block;
    failure.original = nullptr;
    reader.skip_rest();
    run_.record(std::move(failure), worker);
    account(worker, {unit, unit + 1});
    return;
  }
  reader.skip_rest();
  account(worker, {unit, unit + 1});
}

void SnapshotCrew::take_failure(int worker) {
  PartsReader reader = value(worker, kWhole);
  std::uint64_t unit = 0;
  reader.read(&unit, sizeof unit);
  require_known({unit, unit + 1});
  Failure failure = decode_failure(reader);
  reader.skip_rest();
  run_.record(std::move(failure), worker);
  account(worker, {unit, unit + 1});
}

void SnapshotCrew::take_chunk(int worker) {
  PartsReader reader = value(worker, kWhole);
  ChunkTail tail;
  reader.read(&tail, sizeof tail);
  tell_observers(worker, tail.place, tail.began_ns, tail.ended_ns);
}

void SnapshotCrew::take_broken(int worker) {
  PartsReader reader = value(worker, kWhole);
  const Failure failure = decode_failure(reader);
  reader.skip_rest();
  if (over()) return;  // it was not needed
  throw PoolError("the initializer failed in worker " + std::to_string(worker) + ": " + failure.message);
}

bool SnapshotCrew::feed(int worker) {
  Hand& hand = hands_[static_cast<std::size_t>(worker)];
  hand.is_given = false;
  WorkerSlot& hungry = slot(worker);
  if (!redo_.empty()) {
    const Redo redo = redo_.front();
    redo_.pop_front();
    hand.given = redo.places;
    hand.is_given = true;
    hungry.given_begin = redo.places.begin;
    hungry.given_end = redo.places.end;
    hungry.given_attempts = static_cast<std::uint32_t>(redo.attempts);
    hungry.talk.store(Talk::kGiven);
  } else if (board_.refill(worker)) {
    hungry.talk.store(Talk::kRefilled);
  } else {
    return false;
  }
  hungry.bell.ring();
  return true;
}

// Deaths.

Span SnapshotCrew::held(int worker) const {
  const Hand& hand = hands_[static_cast<std::size_t>(worker)];
  switch (slot(worker).talk.load()) {
    case Talk::kGiven:
      return hand.given;
    case Talk::kBusy:
      return hand.is_given ? hand.given : board_.claimed(worker, slot(worker).intent.load());
    default:
      return {};
  }
}

void SnapshotCrew::on_death(int worker, int wait_status) {
  const Talk talk = slot(worker).talk.load();
  // What it has done is among what cannot be read.
  if (lane(worker).garbled)
    throw PoolError(
        "worker " + std::to_string(worker) +
        " wrote nonsense into the memory that it shares with this process, and was killed: does a "
        "task write outside of its objects?");
  take_stock(worker, wait_status);
  const Hand& hand = hands_[static_cast<std::size_t>(worker)];
  tell_observers(worker, hand.next, steady_ns(), steady_ns());
  if (talk != Talk::kRetired) check_futile(worker, talk, wait_status);
  hands_[static_cast<std::size_t>(worker)] = {};
  if (over()) return;
  want(worker);
  for (MapObserver* each : run_.observers) each->on_restart(worker);
}

void SnapshotCrew::take_stock(int worker, int wait_status) {
  Span rest = held(worker);
  const std::uint64_t next = hands_[static_cast<std::size_t>(worker)].next;
  if (next > rest.begin && next <= rest.end) rest.begin = next;
  if (rest.empty()) return;
  const std::uint64_t item = slot(worker).published.load();
  const std::uint64_t place = item == kNothing ? kNothing : place_of(item / run_.call.block);
  if (place < rest.begin || place >= rest.end) return put_back(rest);
  recover(worker, {rest.begin, place});
  blame(worker, place, item, wait_status);
  put_back({place + 1, rest.end});
}

// Places that are done, but were not reported.
void SnapshotCrew::recover(int worker, Span places) {
  if (places.empty()) return;
  const detail::CrossCall& cross = run_.call.cross;
  const std::uint64_t unit = slot(worker).block_unit.load();
  if (cross.run_encoded || unit == kNothing || place_of(unit) != places.begin) return put_back(places);
  const std::uint64_t at = slot(worker).block_at.load();
  const std::uint64_t end = channel::Ring::bytes_for(lane(worker).ring->ring().capacity());
  if (at > end || places.size() * cross.result_size > end - at) return put_back(places);
  store_plain(worker, {unit, unit + places.size()}, memory_.outbox(worker) + at);
}

void SnapshotCrew::blame(int worker, std::uint64_t place, std::uint64_t item, int wait_status) {
  ++progress_;
  const WorkerSlot& dead = slot(worker);
  int& attempts = attempts_[place];
  const int thrown = dead.failed_item.load() == item ? static_cast<int>(dead.attempts.load()) : 0;
  attempts = std::max(attempts, thrown) + 1;
  if (attempts <= run_.options.retries) return put_back({place, place + 1}, attempts);
  Failure failure =
      lane(worker).late_item == item ? timed_out(item, run_.options.timeout_s) : died(item, wait_status);
  failure.attempts = attempts;
  run_.record(std::move(failure), worker);
  const std::uint64_t unit = item / run_.call.block;
  account(worker, {unit, unit + 1});
}

void SnapshotCrew::put_back(Span places, int attempts) {
  if (places.empty()) return;
  redo_.push_back({places, attempts});
  feed_the_starved();
}

// Replacing workers that die before they can do anything would go on for ever.
void SnapshotCrew::check_futile(int worker, Talk talk, int wait_status) {
  futile_ = progress_ == progress_then_ ? futile_ + 1 : 0;
  progress_then_ = progress_;
  if (talk == Talk::kStarting && options_.initializer)
    throw PoolError("the initializer failed in worker " + std::to_string(worker) + ": its process " +
                    how_it_ended(wait_status));
  if (futile_ > 2 * workers() + 8)
    throw PoolError("worker processes end before they begin a task; the last one " +
                    how_it_ended(wait_status));
}

bool SnapshotCrew::overdue(int worker, std::uint64_t item) {
  const Talk talk = slot(worker).talk.load();
  if (talk != Talk::kBusy) return false;
  const std::uint64_t place = place_of(item / run_.call.block);
  const Span now = held(worker);
  const std::uint64_t next = hands_[static_cast<std::size_t>(worker)].next;
  const bool accounted = next > now.begin && next <= now.end && place < next;
  return place >= now.begin && place < now.end && !accounted;
}

}  // namespace furrow::pool
