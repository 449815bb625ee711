#include "pool/async/async_engine.hpp"

#include <utility>

#include "os/events/clock.hpp"
#include "pool/async/async_stream.hpp"
#include "pool/async/async_tasks.hpp"

namespace furrow::pool {

AsyncEngine::AsyncEngine(int in_flight, const PoolOptions& options)
    : in_flight_(in_flight), options_(options), plain_(options) {}

void AsyncEngine::check(const detail::MapCall& call, const MapOptions& options) const {
  if (!call.async.start) check_timeout(call, options);
}

void AsyncEngine::check(const detail::CallNode&) const {}

void AsyncEngine::run(RunningMap& run) {
  if (!run.call.async.start) return plain_.run(run);
  AsyncTasks tasks(run.call.async.make_loop(), in_flight_, run.cores_per_task);
  const RunningMap::Runner runner(run, true);
  const RunningMap::Waker waker(run, [&tasks] { tasks.wake(); });
  std::uint64_t position = 0;
  const std::uint64_t positions = run.todo();
  for (;;) {
    for (; position < positions && !tasks.full() && !run.stopped(); ++position)
      run.for_each_range({position, position + 1}, [&](std::uint64_t index, std::uint64_t) {
        begin_task(tasks, run, run.call.object, index, nullptr);
      });
    if (tasks.idle()) return;
    if (run.stopped()) tasks.cancel_all();
    tasks.step(run.tick ? os::monotonic_ns() + kTick_ns : AsyncTasks::kNever);
    if (run.tick) run.tick();
    while (AsyncTasks::Task* task = tasks.next_ended()) settle_task(tasks, run, *task);
  }
}

std::unique_ptr<detail::Stream> AsyncEngine::open(RunningMap& run) {
  if (!run.call.async.start) return plain_.open(run);
  return std::make_unique<AsyncStream>(run, in_flight_);
}

AsyncCalls& AsyncEngine::calls(const detail::AsyncStart& how) {
  const std::lock_guard lock(mutex_);
  if (!calls_) calls_ = std::make_unique<AsyncCalls>(how, in_flight_, options_);
  return *calls_;
}

void AsyncEngine::submit(detail::CallNode* call, const std::stop_token& stop) {
  const detail::AsyncStart how = call->async();
  if (!how.start) return plain_.submit(call, stop);
  calls(how).push(call);
  call->cancel_on(stop);
}

AsyncCalls* AsyncEngine::calls() {
  const std::lock_guard lock(mutex_);
  return calls_.get();
}

void AsyncEngine::cancel_calls() {
  plain_.cancel_calls();
  if (AsyncCalls* of_coroutines = calls()) of_coroutines->cancel_all();
}

void AsyncEngine::wait() {
  if (AsyncCalls* of_coroutines = calls()) of_coroutines->wait();
}

Engine::CallCounts AsyncEngine::call_counts() {
  CallCounts counts = plain_.call_counts();
  if (AsyncCalls* of_coroutines = calls()) {
    const CallCounts more = of_coroutines->counts();
    counts.unfinished += more.unfinished;
    counts.ended += more.ended;
  }
  return counts;
}

}  // namespace furrow::pool
