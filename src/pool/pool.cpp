#include "furrow/pool.hpp"

#include <fmt/format.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <stdexcept>
#include <stop_token>

#include "base/log.hpp"
#include "furrow/random.hpp"
#include "pool/activity.hpp"
#include "pool/async/async_engine.hpp"
#include "pool/engine.hpp"
#include "pool/map/map_session.hpp"
#include "pool/processes/process_engine.hpp"
#include "pool/serial_engine.hpp"
#include "pool/task/failure.hpp"
#include "pool/task/task_scope.hpp"
#include "pool/task/timeout_monitor.hpp"
#include "pool/threads/thread_engine.hpp"

namespace FURROW_NAMESPACE {

namespace {

constexpr int kMostWorkers = 4096;
constexpr int kMostInFlight = 1 << 20;

int workers_of(const Backend& backend) {
  const int most = backend.kind == BackendKind::kAsync ? kMostInFlight : kMostWorkers;
  if (backend.workers < 0 || backend.workers > most)
    throw PoolError("a Pool has 1 to " + std::to_string(most) + " workers, not " +
                    std::to_string(backend.workers) + "; 0 means as many as there are cores");
  return backend.workers ? backend.workers : pool::cores_here();
}

std::unique_ptr<pool::Engine> engine_of(const Backend& backend, const PoolOptions& options) {
  if (options.stack_size != 0 && backend.kind != BackendKind::kThreads)
    throw PoolError(fmt::format(
        "stack_size is for threads, and this Pool's backend is {}: the stack of a process is that "
        "of `ulimit -s`",
        name(backend.kind)));
  if (backend.make) return std::unique_ptr<pool::Engine>(backend.make(backend, options));
  switch (backend.kind) {
    case BackendKind::kSerial:
      return std::make_unique<pool::SerialEngine>(options);
    case BackendKind::kThreads:
      return std::make_unique<pool::ThreadEngine>(workers_of(backend), options);
    case BackendKind::kProcesses:
      return std::make_unique<pool::ProcessEngine>(workers_of(backend), options);
    case BackendKind::kAsync:
      return std::make_unique<pool::AsyncEngine>(workers_of(backend), options);
    case BackendKind::kMpi:
      throw PoolError(
          "a Pool over MPI is made with furrow::mpi() of <furrow/mpi.hpp>, and linked with furrow::mpi");
  }
  throw PoolError("there is no such backend");
}

// A Pool inside a task gets a seed from the task's own stream, so that other tasks get other numbers.
std::uint64_t seed_of(const PoolOptions& options) {
  if (options.seed) return *options.seed;
  const detail::TaskScope* scope = pool::current_scope();
  if (!scope) return 0;
  Philox mixed(scope->origin().seed, scope->origin().number, static_cast<std::uint64_t>(scope->current()));
  mixed.discard(~std::uint64_t{0} / 2);  // far from the numbers that task_rng() gives
  return mixed();
}

}  // namespace

class Pool::Impl {
 public:
  Impl(Backend backend, const PoolOptions& options)
      : kind_(backend.kind), engine_(engine_of(backend, options)) {
    home_.seed = seed_of(options);
    home_.cores_per_task = std::max(1, pool::cores_here() / engine_->workers());
    home_.timeout_monitor = &timeout_monitor_;
    FURROW_LOG(pool, info, "Pool of {}: {} workers, {} cores here, seed {}", name(kind_), workers(),
               pool::cores_here(), home_.seed);
  }

  BackendKind kind() const { return kind_; }
  int workers() const { return engine_->workers(); }
  pool::Engine& engine() { return *engine_; }

  // Gives a map or call its number, and the keys of its random streams.
  void prepare(pool::RunningMap& run) {
    run.seed = home_.seed;
    run.number = next_number();
    run.cores_per_task = home_.cores_per_task;
  }
  void prepare(detail::RankDistribution& distribution) {
    distribution.seed = home_.seed;
    distribution.number = next_number();
  }
  pool::TimeoutMonitor& timeout_monitor() { return timeout_monitor_; }
  // A call that was cancelled is none that the engine knows.
  void count_unsubmitted() { home_.cancelled.fetch_sub(1, std::memory_order_relaxed); }
  void prepare(detail::CallNode& call) {
    call.home = &home_;
    call.stops = home_.stops.load();
    call.number = next_number();
  }

  pool::Activity& activity() { return activity_; }
  PoolStatistics statistics() const { return activity_.statistics(*engine_, home_); }
  void stop() {
    home_.stops.fetch_add(1);
    activity_.take_stop_source().request_stop();
    timeout_monitor_.stop(nullptr);
    engine_->cancel_calls();
  }

 private:
  // Tasks do not share the counter, so their random streams do not depend on which of them runs first.
  std::uint64_t next_number() {
    detail::TaskScope* const task = pool::current_scope();
    return task ? task->next_number() : number_.fetch_add(1, std::memory_order_relaxed);
  }

  BackendKind kind_;
  detail::CallHome home_;
  // Written at each call, while the threads read what is beside it.
  alignas(128) std::atomic<std::uint64_t> number_{0};
  pool::Activity activity_;
  alignas(128) pool::TimeoutMonitor timeout_monitor_;
  std::unique_ptr<pool::Engine> engine_;  // last, since it uses the timeout monitor while it ends
};

Pool::Pool(Backend backend, PoolOptions options) : impl_(std::make_unique<Impl>(backend, options)) {}
Pool::~Pool() = default;
Pool::Pool(Pool&&) noexcept = default;
Pool& Pool::operator=(Pool&&) noexcept = default;

BackendKind Pool::backend() const noexcept { return impl_->kind(); }
int Pool::workers() const noexcept { return impl_->workers(); }
void Pool::wait() { impl_->engine().wait(); }
void Pool::stop() { impl_->stop(); }
PoolStatistics Pool::statistics() const { return impl_->statistics(); }

namespace {

// A seed in the options replaces the Pool's, and the number of the map: so the same call always draws the
// same.
template <class Run>
void choose_seed(Run& run, const MapOptions& options) {
  if (!options.seed) return;
  run.seed = *options.seed;
  run.number = 0;
}

}  // namespace

namespace {

[[noreturn]] void refuse_limits(double timeout_s, int retries) {
  if (timeout_s >= 0)
    throw std::invalid_argument(
        fmt::format("retries is {}: give the number of further attempts, 0 for none", retries));
  throw std::invalid_argument(
      fmt::format("timeout_s is {} s: give a time above 0, or 0 or infinity for no limit", timeout_s));
}

void check_limits(double timeout_s, int retries) {
  if (!(timeout_s >= 0) || retries < 0) refuse_limits(timeout_s, retries);  // NaN too
}

void log_start(const pool::RunningMap& run) {
  FURROW_LOG(pool, info, "map {} starts: {} items, {} of {} indices to run, {}, retries {}, timeout {} s{}",
             run.number, run.call.items, run.todo(), run.call.size,
             run.options.chunksize ? "chunksize " + std::to_string(run.options.chunksize)
                                   : std::string("chunks size themselves"),
             run.options.retries, run.options.timeout_s,
             run.options.standing ? ", on persistent workers" : "");
}

void log_end(const pool::RunningMap& run) {
  FURROW_LOG(pool, info, "map {} ends: {} of {} items have ended, {} of them failed{}", run.number,
             run.counts().ended, run.counts().given, run.counts().failed, run.stopped() ? ", stopped" : "");
}

}  // namespace

namespace {

// Cancels a map when its caller or its Pool asks for it.
class CancelOnStop {
 public:
  CancelOnStop(pool::RunningMap& run, std::stop_token of_pool)
      : by_caller_(run.options.stop, Cancel{&run, ::getpid()}),
        by_pool_(std::move(of_pool), Cancel{&run, ::getpid()}) {}

 private:
  struct Cancel {
    pool::RunningMap* run;
    pid_t owner;
    void operator()() const noexcept {
      if (owner == ::getpid()) run->cancel();  // in a worker process it is a copy
    }
  };
  std::stop_callback<Cancel> by_caller_, by_pool_;
};

Failure cancelled_map() { return pool::cancelled("the call was cancelled"); }

}  // namespace

void Pool::run_map(const detail::MapCall& call, const MapOptions& options, const KeepFailure& keep) {
  check_limits(options.timeout_s, options.retries);
  impl_->engine().check(call, options);
  pool::RunningMap run(call, options, impl_->timeout_monitor(), keep != nullptr);
  impl_->prepare(run);
  choose_seed(run, options);
  const pool::Activity::Entry entry(impl_->activity(), run);
  const CancelOnStop cancel_on_stop(run, entry.stop_token());
  pool::MapSession session(run, backend());
  log_start(run);
  if (run.todo() > 0 && !run.cancelled()) {
    run.for_each_range({0, run.todo()}, [&](std::uint64_t begin, std::uint64_t end) {
      run.given({begin, end});
    });
    impl_->engine().run(run);
  }
  session.finish();
  log_end(run);
  if (!keep && run.cancelled()) throw_failure(cancelled_map());
  std::vector<Failure> found = run.take_failures();
  if (!keep && !found.empty()) throw_failure(found.front());
  for (Failure& each : found) keep(std::move(each));
}

namespace {

// A stream together with what it refers to.
class OwningStream : public detail::Stream {
 public:
  OwningStream(const detail::MapCall& call, const MapOptions& options, pool::TimeoutMonitor& timeout_monitor)
      : call_(call), options_(options), run(call_, options_, timeout_monitor, true) {
    run.fails_fast = false;  // the range ends itself when a failure's turn comes
  }
  void submit(void* chunk, std::uint64_t begin, std::uint64_t end) override {
    run.given({begin, end});
    inner->submit(chunk, begin, end);
  }
  Done wait() override {
    const Done done = inner->wait();
    session->tick();
    session->rethrow();
    return done;
  }
  bool take_failure(std::uint64_t index, Failure& failure) override {
    return inner->take_failure(index, failure);
  }
  bool cancelled() const noexcept override { return run.cancelled(); }

 private:
  const detail::MapCall call_;
  const MapOptions options_;

 public:
  pool::RunningMap run;
  std::optional<pool::Activity::Entry> entry{};
  std::optional<pool::MapSession> session{};
  std::optional<CancelOnStop> cancel_on_stop{};
  std::unique_ptr<detail::Stream> inner{};  // last, so that it is destroyed first
};

void refuse_resume(const MapOptions& options) {
  if (!options.resume.path.empty())
    throw PoolError(
        "imap cannot keep a resume file, since it does not store its results: use map or try_map");
}

}  // namespace

std::unique_ptr<detail::Stream> Pool::open_stream(const detail::MapCall& prototype,
                                                  const MapOptions& options) {
  check_limits(options.timeout_s, options.retries);
  impl_->engine().check(prototype, options);
  refuse_resume(options);
  auto stream = std::make_unique<OwningStream>(prototype, options, impl_->timeout_monitor());
  impl_->prepare(stream->run);
  choose_seed(stream->run, options);
  stream->entry.emplace(impl_->activity(), stream->run);
  stream->cancel_on_stop.emplace(stream->run, stream->entry->stop_token());
  stream->session.emplace(stream->run, backend());
  FURROW_LOG(pool, info, "stream {} starts, retries {}, timeout {} s", stream->run.number, options.retries,
             options.timeout_s);
  stream->inner = impl_->engine().open(stream->run);
  return stream;
}

std::uint64_t Pool::new_part() {
  static std::atomic<std::uint64_t> last{0};
  impl_->engine().rank_workers();  // throws if there are no ranks
  return ++last;
}

detail::RankDistribution Pool::rank_distribution(const MapOptions& options) {
  check_limits(options.timeout_s, options.retries);
  if (options.stop.stop_possible())
    throw PoolError("operations on partitioned data cannot be cancelled: leave MapOptions::stop out");
  detail::RankDistribution distribution;
  const std::vector<int> workers = impl_->engine().rank_workers();
  distribution.ranks = workers.size();
  distribution.workers = std::make_unique<int[]>(workers.size());
  std::copy(workers.begin(), workers.end(), distribution.workers.get());
  impl_->prepare(distribution);
  choose_seed(distribution, options);
  return distribution;
}

void Pool::on_ranks(const detail::RankCall& call) { impl_->engine().on_ranks(call); }

void Pool::start(detail::CallNode* call, const CallOptions& options) {
  call->limit(options.timeout_s, options.retries, options.stop.stop_possible());
  try {
    check_limits(options.timeout_s, options.retries);
    impl_->engine().check(*call);
  } catch (...) {
    call->release();  // the Pool's reference, since the Pool will not use the call
    throw;
  }
  impl_->prepare(*call);
  if (!options.stop.stop_requested()) return impl_->engine().submit(call, options.stop);
  call->settle_cancelled();
  impl_->count_unsubmitted();
}

}  // namespace FURROW_NAMESPACE
