#include "pool/map/running_map.hpp"

#include <utility>

#include "base/log.hpp"
#include "furrow/detail/thread_sanitizer.hpp"
#include "os/events/clock.hpp"
#include "os/process/process_tree.hpp"
#include "pool/task/failure.hpp"
#include "pool/task/task_scope.hpp"

namespace furrow::pool {

void check_timeout(const detail::MapCall& call, const MapOptions& options) {
  if (is_limit(options.timeout_s) && call.folds && !call.stoppable)
    throw PoolError(
        "this backend can only ask a task to end: for timeout_s in a reduction or a fold, the function must "
        "take a std::stop_token as its last argument and obey it, or the Pool must use processes");
}

void RunningMap::only(std::vector<IndexRange> indices) {
  only_ = true;
  ranges_ = std::move(indices);
  std::uint64_t position = 0;
  for (const IndexRange& each : ranges_) {
    positions_.push_back(position);
    position += each.size();
  }
  positions_.push_back(position);
}

std::size_t RunningMap::range_at(std::uint64_t position) const {
  return static_cast<std::size_t>(std::upper_bound(positions_.begin(), positions_.end(), position) -
                                  positions_.begin()) -
         1;
}

detail::AfterFailure RunningMap::failed(detail::TaskScope& scope, std::uint64_t index) {
  const bool was_watched = scope.notes().watch;
  const bool ran_out = was_watched && drop_watch(scope);
  const int attempts = scope.count_failure();
  if (attempts <= options.retries && !stopped()) {
    if (was_watched && watches_indices_) begin_watch(scope);
    return detail::AfterFailure::kAgain;
  }
  Failure failure = current_failure();
  if (ran_out) failure.kind = FailureKind::kTimeout;
  failure.index = static_cast<std::uint64_t>(scope.current());
  failure.attempts = attempts;
  record(std::move(failure), scope.origin().worker);
  if (!stopped()) return detail::AfterFailure::kNext;
  scope.notes().given_up_at = index;
  return detail::AfterFailure::kStop;
}

std::stop_token RunningMap::begin_watch(detail::TaskScope& scope) {
  auto* watch = timeout_monitor_.add(options.timeout_s, this);
  scope.notes().watch = watch;
  if (stopped()) watch->source.request_stop();  // stop() may have looked for tasks before this one was added
  return watch->source.get_token();
}

bool RunningMap::stop_requested(detail::TaskScope& scope) const noexcept {
  if (stopped_.load(std::memory_order_acquire)) {
    detail::acquired(&stopped_);
    return true;
  }
  const auto* watch = static_cast<const TimeoutMonitor::Watch*>(scope.notes().watch);
  return watch && watch->source.stop_requested();
}

bool RunningMap::drop_watch(detail::TaskScope& scope) {
  return timeout_monitor_.remove(
      static_cast<TimeoutMonitor::Watch*>(std::exchange(scope.notes().watch, nullptr)));
}

void RunningMap::end_watch(detail::TaskScope& scope) {
  if (drop_watch(scope)) throw TimeRanOut{options.timeout_s};
}

// A function without a stop token is called in a loop that knows no time. So here each index is a range of its own. An
// index whose time is over when it ends has failed, though its result is stored.
void RunningMap::run_indices(void* object, detail::TaskScope& scope, IndexRange indices) {
  if (!watches_indices_) return call.run(object, scope, indices.begin, indices.end);
  for (std::uint64_t i = indices.begin; i < indices.end && scope.notes().given_up_at >= indices.end; ++i) {
    for (bool again = true; std::exchange(again, false);) {
      begin_watch(scope);
      call.run(object, scope, i, i + 1);
      if (!scope.notes().watch) break;  // it has failed
      try {
        end_watch(scope);
      } catch (const TimeRanOut&) {
        again = failed(scope, i) == detail::AfterFailure::kAgain;
      }
    }
  }
}

void RunningMap::record(Failure failure, int worker) {
  for (MapObserver* each : observers) each->on_failure(failure, worker);
  failed_.fetch_add(items_with(failure), std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    if (keep_all_ || kept_.empty())
      kept_.push_back(std::move(failure));
    else if (failure.index < kept_.front().index)
      kept_.front() = std::move(failure);
  }
  if (fails_fast) stop();
}

void RunningMap::record_unfinished(const Failure& failure, int worker) {
  for (MapObserver* each : observers) each->on_failure(failure, worker);
  given_up_.fetch_add(items_with(failure), std::memory_order_relaxed);
}

IndexRange RunningMap::ran(detail::TaskScope& scope, IndexRange indices) {
  if (scope.notes().given_up_at < indices.end) indices.end = scope.notes().given_up_at + 1;
  return indices;
}

void RunningMap::chunk_done(const ChunkDone& chunk) {
  ended_.fetch_add(items_at(chunk.indices), std::memory_order_release);
  for (MapObserver* each : observers) each->on_chunk(chunk);
}

void RunningMap::worker_replaced(int worker) {
  workers_replaced_.fetch_add(1, std::memory_order_relaxed);
  for (MapObserver* each : observers) each->on_restart(worker);
}

RunningMap::Counts RunningMap::counts() const {
  Counts counts;
  counts.ended = ended_.load(std::memory_order_acquire);
  counts.failed = failed_.load(std::memory_order_relaxed);
  counts.given_up = given_up_.load(std::memory_order_relaxed);
  counts.given = given_.load(std::memory_order_relaxed);
  counts.workers_replaced = workers_replaced_.load(std::memory_order_relaxed);
  return counts;
}

void RunningMap::stop() {
  detail::released(&stopped_);
  if (stopped_.exchange(true)) return;
  FURROW_LOG(pool, info, "map {} is stopped, {} items have failed", number, failed_.load());
  timeout_monitor_.stop(this);
  const std::uint64_t now = os::start_ticks(os::monotonic_ns());
  const std::lock_guard lock(stopping_);
  for (const Runner* each = runners_; each; each = each->next_)
    os::kill_programs_of_thread(each->thread_, os::start_ticks(each->began_ns_) + each->is_doubtful_, now,
                                each->kept_);
  if (wake_) wake_();
}

void RunningMap::cancel() {
  cancelled_.store(true, std::memory_order_release);
  stop();
}

// To look for a caller's programs takes some time, so it is done only where the map is likely to be stopped.
RunningMap::Runner::Runner(RunningMap& run, bool of_caller)
    : run_(run), thread_(os::thread_id()), began_ns_(os::monotonic_ns()) {
  const bool looks = of_caller && (run.options.stop.stop_possible() || run.fails_fast);
  if (looks) kept_ = os::children_of_thread(thread_);
  is_doubtful_ = of_caller && !looks;
  const std::lock_guard lock(run_.stopping_);
  self_ = &run_.runners_;
  next_ = run_.runners_;
  if (next_) next_->self_ = &next_;
  run_.runners_ = this;
}

// Waits for a stop() that looks at this thread's programs, so that it ends none of a later task.
RunningMap::Runner::~Runner() {
  const std::lock_guard lock(run_.stopping_);
  *self_ = next_;
  if (next_) next_->self_ = self_;
}

RunningMap::Waker::Waker(RunningMap& run, std::function<void()> wake) : run_(run) {
  const std::lock_guard lock(run_.stopping_);
  run_.wake_ = std::move(wake);
  if (run_.stopped()) run_.wake_();
}

RunningMap::Waker::~Waker() {
  const std::lock_guard lock(run_.stopping_);
  run_.wake_ = nullptr;
}

bool RunningMap::take_failure(std::uint64_t index, Failure& failure) {
  if (failed_.load(std::memory_order_relaxed) == 0) return false;
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(kept_.begin(), kept_.end(), [&](const Failure& each) { return each.index == index; });
  if (found == kept_.end()) return false;
  failure = std::move(*found);
  kept_.erase(found);
  return true;
}

std::vector<Failure> RunningMap::take_failures() {
  std::sort(kept_.begin(), kept_.end(), [](const Failure& a, const Failure& b) { return a.index < b.index; });
  return std::move(kept_);
}

}  // namespace furrow::pool
