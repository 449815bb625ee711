#include "pool/standing_crew.hpp"

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "os/fork.hpp"
#include "os/futex.hpp"
#include "pool/failure.hpp"
#include "pool/participant.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kTick_ns = 100'000'000;
constexpr std::size_t kCallsAhead = 256;  // of each worker
constexpr std::size_t kStretchesAhead = 2;
constexpr std::uint64_t kCallUnits = std::uint64_t{1} << 63;  // units of calls; those of maps are below

// Addresses travel relative to this one, so that they mean the same in another process of the same program.
void anchor() {}

template <class Function>
std::uint64_t sent_address(Function* function) {
  return reinterpret_cast<std::uintptr_t>(function) - reinterpret_cast<std::uintptr_t>(&anchor);
}
template <class Function>
Function* received_address(std::uint64_t address) {
  return reinterpret_cast<Function*>(address + reinterpret_cast<std::uintptr_t>(&anchor));
}

struct CallHead {
  std::uint64_t serve;
  std::uint64_t seed;
  std::uint64_t number;
  std::uint64_t share;
};

struct JobHead {
  std::uint64_t decode;
  std::uint64_t run;
  std::uint64_t drop;
  std::uint64_t seed;
  std::uint64_t number;
  std::uint64_t share;
  std::uint64_t retries;
};

using Serve = void(Reader&, detail::TaskScope&, Writer&);
using Decode = void*(Reader&);
using Run = void(void*, detail::TaskScope&, std::uint64_t, std::uint64_t, Reader&, detail::ResultWriter&);
using Drop = void(void*);

// One result, which begins with its first byte: what is thrown before that is the task's.
class LazyResult : public Writer {
 public:
  LazyResult(Outbox& outbox, std::uint64_t unit) : outbox_(outbox), unit_(unit) {}
  void write(const void* data, std::size_t size) override {
    if (!outbox_.is_open()) outbox_.begin(unit_);
    outbox_.write(data, size);
  }
  void end() {
    if (!outbox_.is_open()) outbox_.begin(unit_);
    outbox_.end();
  }

 private:
  Outbox& outbox_;
  const std::uint64_t unit_;
};

}  // namespace

// In the worker.
class StandingCrew::Handler : public MessageHandler {
 public:
  void begin(const WorkerDesk&) override {}
  void handle(const MessageHead& head, bool job, Reader& body, const WorkerDesk& desk) override {
    if (head.job == 0)
      serve(head, body, desk);
    else
      run(job ? learn(head.job, body) : known(head.job), head, body, desk);
  }

 private:
  struct Job {
    std::uint64_t id = 0;
    JobHead head{};
    void* function = nullptr;
  };

  static void serve(const MessageHead& head, Reader& body, const WorkerDesk& desk) {
    CallHead call{};
    body.read(&call, sizeof call);
    detail::TaskScope scope(desk.worker, call.seed, call.number, &desk.host);
    scope.share = static_cast<int>(call.share);
    scope.item = detail::ItemIndex{0};
    desk.host.retries = 0;  // the parent sends it again
    desk.slot.published.store(head.begin, std::memory_order_relaxed);
    try {
      LazyResult result(desk.outbox, head.begin);
      received_address<Serve>(call.serve)(body, scope, result);
      result.end();
    } catch (const ValueTorn&) {
      throw;
    } catch (const ValueDropped&) {
      throw;
    } catch (...) {
      desk.host.failed(scope, head.begin);
    }
  }

  static void run(const Job& job, const MessageHead& head, Reader& body, const WorkerDesk& desk) {
    detail::TaskScope scope(desk.worker, job.head.seed, job.head.number, &desk.host);
    scope.share = static_cast<int>(job.head.share);
    scope.published = &desk.slot.published;
    desk.host.retries = static_cast<int>(job.head.retries);
    received_address<Run>(job.head.run)(job.function, scope, head.begin, head.end - head.begin, body,
                                        desk.outbox);
  }

  const Job& learn(std::uint64_t id, Reader& body) {
    Job job;
    job.id = id;
    body.read(&job.head, sizeof job.head);
    job.function = received_address<Decode>(job.head.decode)(body);
    if (jobs_.size() == 2 * MessageCrew::kJobs) {
      received_address<Drop>(jobs_.front().head.drop)(jobs_.front().function);
      jobs_.pop_front();
    }
    return jobs_.emplace_back(job);
  }

  const Job& known(std::uint64_t id) const {
    for (const Job& each : jobs_)
      if (each.id == id) return each;
    throw std::logic_error("the worker does not know this map");
  }

  std::deque<Job> jobs_{};
};

struct StandingCrew::Call : Parcel {
  explicit Call(StandingCrew& of) : crew(of) {}
  void encode(std::uint64_t, std::uint64_t, Writer& body) override {
    const CallHead head{sent_address(node->sent().serve), node->home->seed, node->number,
                        static_cast<std::uint64_t>(node->home->share)};
    body.write(&head, sizeof head);
    node->encode(body);
  }
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

StandingCrew::StandingCrew(int workers, const PoolOptions& options) : workers_(workers), owner_(::getpid()) {
  if (!os::is_single_threaded()) {
    refusal_ =
        "this Pool was made while other threads ran, so it has no standing crew, which apply_async and "
        "MapOptions::standing need: make it before the program starts threads";
    return;
  }
  auto segment = os::SharedMemory::create(MessageCrew::bytes_for(workers));
  if (!segment) throw PoolError(segment.error().to_string());
  handler_ = std::make_unique<Handler>();
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
  crew_->end(Ending::kSoon);
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
  if (const char* refusal = call.sent().refusal)
    throw PoolError(std::string("this call cannot be sent to a worker process: ") + refusal);
}

void StandingCrew::check(const detail::MapCall& call) const {
  check_here();
  const detail::CrossCall& cross = call.cross;
  for (const char* refusal : {cross.refusal, cross.function_refusal, cross.input_refusal})
    if (refusal) throw PoolError(std::string("this map cannot be sent to a standing crew: ") + refusal);
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
  if (!pump(0)) crew_->memory().header().bell.nudge();
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
  void failed(Failure failure, std::uint64_t, int worker) override;
  void done(int worker, const Times& times) override;
  Map& map;
};

class StandingCrew::Map {
 public:
  Map(MapRun& run, MessageCrew& crew, int workers, std::uint64_t job)
      : run_(run),
        crew_(crew),
        job_(job),
        most_ahead_(static_cast<std::size_t>(workers) * kStretchesAhead),
        sizer_(run.options.chunksize) {}

  bool over() const { return under_way_ == 0 && (place_ == run_.todo() || run_.stopped()); }

  void submit() {
    while (under_way_ < most_ahead_ && place_ < run_.todo() && !run_.stopped()) {
      const std::uint64_t left = run_.todo() - place_;
      const std::uint64_t fair = std::max<std::uint64_t>(left / (2 * most_ahead_), 1);
      const std::uint64_t size =
          run_.options.chunksize ? run_.options.chunksize : std::min(sizer_.next(), fair);
      const Span places{place_, place_ + std::min(size, left)};
      place_ = places.end;
      run_.for_units(places, [&](std::uint64_t begin, std::uint64_t end) { submit(begin, end); });
    }
  }

  MapRun& run_;
  MessageCrew& crew_;
  const std::uint64_t job_;
  const std::size_t most_ahead_;
  ChunkSizer sizer_;
  std::uint64_t place_ = 0;  // the next one to be sent
  std::size_t under_way_ = 0;
  std::vector<std::unique_ptr<Stretch>> stretches_{};
  std::vector<Stretch*> free_{};

 private:
  void submit(std::uint64_t begin, std::uint64_t end) {
    if (free_.empty()) free_.push_back(stretches_.emplace_back(std::make_unique<Stretch>(*this)).get());
    Stretch* const parcel = free_.back();
    free_.pop_back();
    parcel->begin = begin;
    parcel->end = end;
    parcel->job = job_;
    parcel->timeout_s = run_.options.timeout_s;
    parcel->retries = run_.options.retries;
    ++under_way_;
    crew_.submit(parcel);
  }
};

void StandingCrew::Stretch::encode(std::uint64_t from, std::uint64_t to, Writer& body) {
  const detail::MapCall& call = map.run_.call;
  for (std::uint64_t unit = from; unit < to; ++unit) call.cross.encode_input(call.object, unit, body);
}

void StandingCrew::Stretch::encode_job(Writer& body) {
  const MapRun& run = map.run_;
  const detail::CrossCall& cross = run.call.cross;
  const JobHead head{sent_address(cross.decode_function),
                     sent_address(cross.run_decoded),
                     sent_address(cross.drop_function),
                     run.seed,
                     run.number,
                     static_cast<std::uint64_t>(run.share),
                     static_cast<std::uint64_t>(run.options.retries)};
  body.write(&head, sizeof head);
  cross.encode_function(run.call.object, body);
}

void StandingCrew::Stretch::store(std::uint64_t unit, Reader& result) {
  map.run_.call.cross.store_encoded(map.run_.call.object, unit, result);
}

void StandingCrew::Stretch::failed(Failure failure, std::uint64_t, int worker) {
  map.run_.record(std::move(failure), worker);
}

void StandingCrew::Stretch::done(int worker, const Times& times) {
  map.sizer_.measured(end - begin, static_cast<std::uint64_t>(times.ended_ns - times.began_ns));
  map.run_.chunk_done({std::max(worker, 0), {begin, end}, times.began_ns, times.ended_ns});
  --map.under_way_;
  map.free_.push_back(this);
}

void StandingCrew::run(MapRun& run) {
  check_here();
  const Turn turn(*this, true);
  if (!turn) throw PoolError("a callback cannot run a map on the standing crew that it is called by");
  Map map(run, *crew_, workers_, ++jobs_);
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
