#include "pool/serial_engine.hpp"

#include <deque>

#include "os/events/clock.hpp"
#include "pool/map/worker_loop.hpp"
#include "pool/task/finalizer.hpp"

namespace furrow::pool {

namespace {

// Runs each chunk in wait().
class SerialStream : public detail::Stream {
 public:
  explicit SerialStream(RunningMap& run) : run_(run) {}
  void submit(void* chunk, std::uint64_t begin, std::uint64_t end) override {
    queue_.push_back({chunk, {begin, end}});
  }
  Done wait() override {
    if (queue_.empty() || run_.stopped()) return {};
    const auto [chunk, indices] = queue_.front();
    queue_.pop_front();
    detail::TaskScope scope(run_.origin(0), &run_);
    const RunningMap::Runner runner(run_, true);
    const std::int64_t began = os::monotonic_ns();
    run_.run_indices(chunk, scope, indices);
    const std::int64_t ended = os::monotonic_ns();
    run_.chunk_done({0, RunningMap::ran(scope, indices), began, ended});
    return {chunk, static_cast<double>(ended - began) * 1e-9};
  }
  bool take_failure(std::uint64_t index, Failure& failure) override {
    return run_.take_failure(index, failure);
  }

 private:
  struct Queued {
    void* chunk;
    IndexRange indices;
  };
  RunningMap& run_;
  std::deque<Queued> queue_;
};

}  // namespace

SerialEngine::SerialEngine(const PoolOptions& options) : finalizer_(options.finalizer) {
  if (options.initializer) options.initializer();
}

SerialEngine::~SerialEngine() { run_finalizer(finalizer_, 0); }

void SerialEngine::check(const detail::MapCall& call, const MapOptions& options) const {
  check_timeout(call, options);
}

void SerialEngine::check(const detail::CallNode&) const {}

void SerialEngine::run(RunningMap& run) {
  RangeSlot slot;
  WorkStealingRanges ranges(&slot, 1);
  ranges.fill(run.todo(), run.options.chunksize);
  const RunningMap::Runner runner(run, true);
  run_worker_loop(run, ranges, 0);
}

std::unique_ptr<detail::Stream> SerialEngine::open(RunningMap& run) {
  return std::make_unique<SerialStream>(run);
}

void SerialEngine::submit(detail::CallNode* call, const std::stop_token& stop) {
  call->retain();
  call->cancel_on(stop);
  {
    const std::lock_guard lock(mutex_);
    running_.push_back(call);
  }
  call->execute(0);
  {
    const std::lock_guard lock(mutex_);
    std::erase(running_, call);
    ++ended_;
  }
  call->release();
}

Engine::CallCounts SerialEngine::call_counts() {
  const std::lock_guard lock(mutex_);
  return {running_.size(), ended_};
}

void SerialEngine::cancel_calls() {
  std::vector<detail::CallNode*> running;
  {
    const std::lock_guard lock(mutex_);
    running = running_;
    for (detail::CallNode* each : running) each->retain();
  }
  for (detail::CallNode* each : running) {
    each->cancel();
    each->release();
  }
}

}  // namespace furrow::pool
