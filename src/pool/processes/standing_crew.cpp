#include "pool/processes/standing_crew.hpp"

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "os/events/futex.hpp"
#include "os/process/fork.hpp"
#include "pool/map/participant.hpp"
#include "pool/messages/message_crew.hpp"
#include "pool/messages/sent_work.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kTick_ns = 100'000'000;
constexpr std::size_t kCallsAhead = 256;                      // of each worker
constexpr std::uint64_t kCallUnits = std::uint64_t{1} << 63;  // units of calls; those of maps are below

}  // namespace

struct StandingCrew::Call : Parcel {
  explicit Call(StandingCrew& of) : crew(of) {}
  void encode(std::uint64_t, std::uint64_t, Writer& body) override { encode_call(*node, body); }
  void store(std::uint64_t, Reader& result) override { node->store(result); }
  void failed(Failure failure, std::uint64_t, int) override { node->fail(std::move(failure)); }
  void done(int, const Times&) override {
    detail::CallNode* const settled = node;
    StandingCrew& of = crew;
    of.retire(this);
    settled->settle();
    of.under_way_.fetch_sub(1, std::memory_order_acq_rel);
  }
  std::uint64_t index_of(std::uint64_t) const override { return 0; }

  StandingCrew& crew;
  detail::CallNode* node = nullptr;
};

void StandingCrew::retire(Call* call) { free_.push_back(call); }

// A turn at working for the crew.
class StandingCrew::Turn {
 public:
  // Without WAIT it may not come to it.
  Turn(StandingCrew& crew, bool wait) : crew_(crew) {
    if (crew.working_.load(std::memory_order_relaxed) == std::this_thread::get_id()) return;
    has_ = wait ? (crew.turn_.lock(), true) : crew.turn_.try_lock();
    if (has_) crew.working_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  }
  ~Turn() {
    if (!has_) return;
    crew_.working_.store(std::thread::id(), std::memory_order_relaxed);
    crew_.turn_.unlock();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  explicit operator bool() const { return has_; }

 private:
  StandingCrew& crew_;
  bool has_ = false;
};

StandingCrew::StandingCrew(std::unique_ptr<ParcelCrew> crew) : owner_(::getpid()), crew_(std::move(crew)) {}

StandingCrew::StandingCrew(int workers, const PoolOptions& options) : owner_(::getpid()) {
  if (!os::is_single_threaded()) {
    refusal_ =
        "this Pool was made while other threads ran, so it has no standing crew, which apply_async and "
        "MapOptions::standing need: make it before the program starts threads";
    return;
  }
  auto segment = os::SharedMemory::create(MessageCrew::bytes_for(workers));
  if (!segment) throw PoolError(segment.error().to_string());
  handler_ = std::make_unique<SentWorkHandler>();
  crew_ = std::make_unique<MessageCrew>(std::move(*segment), workers, options, *handler_, true);
}

StandingCrew::~StandingCrew() {
  if (!crew_ || owner_ != ::getpid()) return;
  const Turn turn(*this, true);
  for (detail::TaskNode* each = incoming_; each;) {
    detail::TaskNode* const next = each->next;
    each->drop();
    each = next;
  }
  for (Parcel* each : crew_->withdraw()) static_cast<Call*>(each)->node->drop();
  while (!crew_->idle()) crew_->pump(kTick_ns);
  crew_->leave();
}

void StandingCrew::check_here() const {
  if (owner_ != ::getpid())
    throw PoolError(
        "this Pool belongs to the process that made it, whose standing crew a worker cannot use: make a Pool "
        "inside the task, or use map");
  if (!refusal_.empty()) throw PoolError(refusal_);
}

void StandingCrew::check(const detail::CallNode& call) const {
  check_here();
  if (const char* refusal = why_not_sent(call))
    throw PoolError(std::string("this call cannot be sent to a worker process: ") + refusal);
}

void StandingCrew::check(const detail::MapCall& call) const {
  check_here();
  if (const char* refusal = why_not_sent(call))
    throw PoolError(std::string("this map cannot be sent to workers that were started before it: ") +
                    refusal);
}

void StandingCrew::submit(detail::CallNode* call) {
  call->pump = this;
  under_way_.fetch_add(1, std::memory_order_relaxed);
  {
    const std::lock_guard lock(incoming_lock_);
    call->next = nullptr;
    *incoming_end_ = call;
    incoming_end_ = &call->next;
  }
  // Whoever sleeps for the crew is to send it.
  if (!pump(0)) crew_->nudge();
}

void StandingCrew::take_incoming() {
  detail::TaskNode* first = nullptr;
  {
    const std::lock_guard lock(incoming_lock_);
    first = std::exchange(incoming_, nullptr);
    incoming_end_ = &incoming_;
  }
  while (first) {
    auto* const node = static_cast<detail::CallNode*>(first);
    first = first->next;
    if (free_.empty()) free_.push_back(calls_.emplace_back(std::make_unique<Call>(*this)).get());
    Call* const parcel = free_.back();
    free_.pop_back();
    parcel->node = node;
    parcel->begin = kCallUnits + node->number;
    parcel->end = parcel->begin + 1;
    parcel->timeout_s = node->timeout_s;
    parcel->retries = node->retries;
    crew_->submit(parcel);
  }
}

bool StandingCrew::pump(std::int64_t at_most_ns) noexcept {
  if (owner_ != ::getpid()) return false;
  const Turn turn(*this, false);
  if (!turn) return false;
  crew_->window = kCallsAhead;
  take_incoming();
  crew_->pump(at_most_ns);
  return true;
}

void StandingCrew::wait() {
  if (under_way_.load() == 0) return;
  check_here();
  while (under_way_.load(std::memory_order_acquire) > 0)
    if (!pump(kTick_ns)) std::this_thread::yield();
}

// Maps.

struct StandingCrew::Stretch : Parcel {
  explicit Stretch(Map& of) : map(of) {}
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override;
  void encode_job(Writer& body) override;
  void store(std::uint64_t unit, Reader& result) override;
  bool store_plain(std::uint64_t unit, std::uint64_t count, std::size_t size, const void* results) override;
  void store_block(std::uint64_t unit, std::uint64_t count, std::span<const std::byte> bytes) override;
  void failed(Failure failure, std::uint64_t, int worker) override;
  void done(int worker, const Times& times) override;
  Map& map;
};

class StandingCrew::Map {
 public:
  Map(MapRun& run, ParcelCrew& crew, std::uint64_t job)
      : run_(run),
        crew_(crew),
        job_(job),
        appetite_(crew.appetite()),
        sizer_(appetite_.cuts_parcels ? 0 : run.options.chunksize, appetite_.parcel_ns) {}

  bool over() const { return under_way_ == 0 && (place_ == run_.todo() || run_.stopped()); }

  void submit() {
    while (wants_more() && place_ < run_.todo() && !run_.stopped()) {
      const std::uint64_t left = run_.todo() - place_;
      const Span places{place_, place_ + std::min(next_size(left), left)};
      place_ = places.end;
      run_.for_units(places, [&](std::uint64_t begin, std::uint64_t end) { submit(begin, end); });
    }
  }

  MapRun& run_;
  ParcelCrew& crew_;
  const std::uint64_t job_;
  const ParcelCrew::Appetite appetite_;
  ChunkSizer sizer_;
  std::uint64_t place_ = 0;  // the next one to be sent
  std::size_t under_way_ = 0;
  std::uint64_t units_under_way_ = 0;
  std::vector<std::unique_ptr<Stretch>> stretches_{};
  std::vector<Stretch*> free_{};

 private:
  bool wants_more() const {
    const std::uint64_t chunk = std::max<std::uint64_t>(run_.options.chunksize, 1);
    return under_way_ < appetite_.parcels || units_under_way_ / chunk < appetite_.units;
  }

  // The last parcels are small, so that all workers end at the same time.
  std::uint64_t next_size(std::uint64_t left) const {
    const std::uint64_t chunk = run_.options.chunksize;
    if (chunk && !appetite_.cuts_parcels) return chunk;
    const std::uint64_t fair = std::max<std::uint64_t>(left / (2 * appetite_.parcels), 1);
    const std::uint64_t size = std::min(sizer_.next(), fair);
    return chunk ? (size + chunk - 1) / chunk * chunk : size;
  }

  void submit(std::uint64_t begin, std::uint64_t end) {
    if (free_.empty()) free_.push_back(stretches_.emplace_back(std::make_unique<Stretch>(*this)).get());
    Stretch* const parcel = free_.back();
    free_.pop_back();
    parcel->begin = begin;
    parcel->end = end;
    parcel->job = job_;
    parcel->unit_items = run_.call.block;
    parcel->result_size = run_.call.cross.store_plain ? run_.call.cross.result_size : 0;
    parcel->chunksize = run_.options.chunksize;
    parcel->timeout_s = run_.options.timeout_s;
    parcel->retries = run_.options.retries;
    ++under_way_;
    units_under_way_ += end - begin;
    crew_.submit(parcel);
  }
};

void StandingCrew::Stretch::encode(std::uint64_t from, std::uint64_t to, Writer& body) {
  const detail::MapCall& call = map.run_.call;
  for (std::uint64_t unit = from; unit < to; ++unit) call.cross.encode_input(call.object, unit, body);
}

void StandingCrew::Stretch::encode_job(Writer& body) { pool::encode_job(map.run_, body); }

void StandingCrew::Stretch::store(std::uint64_t unit, Reader& result) {
  map.run_.call.cross.store_encoded(map.run_.call.object, unit, result);
}

void StandingCrew::Stretch::store_block(std::uint64_t unit, std::uint64_t count,
                                        std::span<const std::byte> bytes) {
  map.run_.call.cross.store_plain(map.run_.call.object, unit, unit + count, bytes.data());
}

bool StandingCrew::Stretch::store_plain(std::uint64_t unit, std::uint64_t count, std::size_t size,
                                        const void* results) {
  const detail::MapCall& call = map.run_.call;
  const bool aligned = reinterpret_cast<std::uintptr_t>(results) % alignment_of(size) == 0;
  if (!call.cross.store_plain || size != call.cross.result_size || (size > 0 && !aligned)) return false;
  call.cross.store_plain(call.object, unit, unit + count, results);
  return true;
}

// Of a map that was stopped, the reason is known, and the rest is its consequence.
void StandingCrew::Stretch::failed(Failure failure, std::uint64_t, int worker) {
  if (!map.run_.stopped() || failure.kind == FailureKind::kException)
    map.run_.record(std::move(failure), worker);
  else
    map.run_.leave(failure, worker);
}

void StandingCrew::Stretch::done(int worker, const Times& times) {
  map.sizer_.measured(end - begin, static_cast<std::uint64_t>(times.ended_ns - times.began_ns));
  map.run_.chunk_done({std::max(worker, 0), {begin, end}, times.began_ns, times.ended_ns});
  --map.under_way_;
  map.units_under_way_ -= end - begin;
  map.free_.push_back(this);
}

void StandingCrew::in_turn(const std::function<void()>& work) {
  check_here();
  const Turn turn(*this, true);
  if (!turn) throw PoolError("a callback cannot run a map on the standing crew that it is called by");
  work();
}

void StandingCrew::run(MapRun& run) {
  in_turn([&] { run_in_turn(run); });
}

void StandingCrew::run_in_turn(MapRun& run) {
  Map map(run, *crew_, ++jobs_);
  const auto restarted = [&](int worker) {
    for (MapObserver* each : run.observers) each->on_restart(worker);
  };
  crew_->restarted = restarted;
  bool stopping = false;
  std::exception_ptr error;
  while (!map.over()) {
    try {
      map.submit();
      take_incoming();
      crew_->pump(kTick_ns);
      if (run.tick && !stopping) run.tick();
    } catch (...) {  // what runs still writes to the caller's memory
      error = std::current_exception();
      run.stop();
    }
    if (run.stopped()) {
      stopping = true;
      crew_->stop(map.job_);
    }
  }
  crew_->restarted = [](int) {};
  if (!crew_->broken().empty()) throw PoolError(crew_->broken());
  if (error) std::rethrow_exception(error);
}

}  // namespace furrow::pool
