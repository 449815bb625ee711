#include "pool/map/map_run.hpp"

#include <utility>

#include "pool/task/failure.hpp"
#include "pool/task/task_scope.hpp"

namespace furrow::pool {

void MapRun::only(std::vector<Span> units) {
  only_ = true;
  units_ = std::move(units);
  std::uint64_t place = 0;
  for (const Span& each : units_) {
    places_.push_back(place);
    place += each.size();
  }
  places_.push_back(place);
}

std::size_t MapRun::span_of(std::uint64_t place) const {
  return static_cast<std::size_t>(std::upper_bound(places_.begin(), places_.end(), place) - places_.begin()) -
         1;
}

detail::AfterFailure MapRun::failed(detail::TaskScope& scope, std::uint64_t unit) {
  if (scope.watch) watchdog_.remove(static_cast<Watchdog::Watch*>(std::exchange(scope.watch, nullptr)));
  if (scope.failed_item != scope.current()) scope.attempts = 0;
  scope.failed_item = scope.current();
  ++scope.attempts;
  forget_stream(scope);
  if (scope.attempts <= options.retries && !stopped()) return detail::AfterFailure::kAgain;
  Failure failure = current_failure();
  failure.index = static_cast<std::uint64_t>(scope.current());
  failure.attempts = scope.attempts;
  record(std::move(failure), scope.worker);
  if (!stopped()) return detail::AfterFailure::kNext;
  scope.given_up_at = unit;
  return detail::AfterFailure::kStop;
}

std::stop_token MapRun::begin_watch(detail::TaskScope& scope) {
  auto* watch = watchdog_.add(options.timeout_s);
  scope.watch = watch;
  return watch->source.get_token();
}

void MapRun::end_watch(detail::TaskScope& scope) {
  if (watchdog_.remove(static_cast<Watchdog::Watch*>(std::exchange(scope.watch, nullptr))))
    throw TimeRanOut{options.timeout_s};
}

void MapRun::record(Failure failure, int worker) {
  for (MapObserver* each : observers) each->on_failure(failure, worker);
  failed_.fetch_add(1, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    if (keep_all_ || kept_.empty())
      kept_.push_back(std::move(failure));
    else if (failure.index < kept_.front().index)
      kept_.front() = std::move(failure);
  }
  if (options.on_error == OnError::kFailFast && !keep_all_) stop();
}

void MapRun::leave(const Failure& failure, int worker) {
  for (MapObserver* each : observers) each->on_failure(failure, worker);
  failed_.fetch_add(1, std::memory_order_relaxed);
}

Span MapRun::ran(const detail::TaskScope& scope, Span units) {
  if (scope.given_up_at < units.end) units.end = scope.given_up_at + 1;
  return units;
}

void MapRun::chunk_done(const ChunkDone& chunk) {
  done_.fetch_add(chunk.units.size(), std::memory_order_relaxed);
  for (MapObserver* each : observers) each->on_chunk(chunk);
}

void MapRun::stop() {
  if (!stopped_.exchange(true)) watchdog_.stop_all();
}

bool MapRun::take_failure(std::uint64_t index, Failure& failure) {
  if (failures() == 0) return false;
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(kept_.begin(), kept_.end(), [&](const Failure& each) { return each.index == index; });
  if (found == kept_.end()) return false;
  failure = std::move(*found);
  kept_.erase(found);
  return true;
}

std::vector<Failure> MapRun::take_failures() {
  std::sort(kept_.begin(), kept_.end(), [](const Failure& a, const Failure& b) { return a.index < b.index; });
  return std::move(kept_);
}

}  // namespace furrow::pool
