#include "pool/activity.hpp"

#include <algorithm>

namespace furrow::pool {

namespace {

// A failure is counted before the end of its task, so what is left is never too much.
void add(PoolStatistics& sum, const RunningMap::Counts& counts) {
  sum.completed += counts.ended - std::min(counts.ended, counts.failed + counts.given_up);
  sum.failed += counts.failed;
  sum.workers_replaced += counts.workers_replaced;
}

}  // namespace

Activity::Entry::Entry(Activity& activity, RunningMap& run) : activity_(activity), run_(run) {
  const std::lock_guard lock(activity_.mutex_);
  activity_.running_.push_back(&run_);
  stop_ = activity_.stop_.get_token();
}

Activity::Entry::~Entry() {
  const std::lock_guard lock(activity_.mutex_);
  std::erase(activity_.running_, &run_);
  add(activity_.ended_, run_.counts());
}

std::stop_source Activity::take_stop_source() {
  const std::lock_guard lock(mutex_);
  return std::exchange(stop_, std::stop_source());
}

// How many calls have ended is read before how many of them failed.
PoolStatistics Activity::statistics(Engine& engine, const detail::CallHome& of_calls) const {
  const Engine::CallCounts calls = engine.call_counts();
  const std::uint64_t failed = of_calls.failed.load();
  const std::uint64_t cancelled = of_calls.cancelled.load();
  const std::lock_guard lock(mutex_);
  PoolStatistics sum = ended_;
  sum.workers = engine.workers();
  for (const RunningMap* each : running_) {
    const RunningMap::Counts counts = each->counts();
    add(sum, counts);
    sum.unfinished += counts.given - std::min(counts.given, counts.ended);
  }
  sum.unfinished += calls.unfinished;
  sum.completed += calls.ended - std::min(calls.ended, failed + cancelled);
  sum.failed += failed;
  sum.workers_replaced += calls.workers_replaced;
  most_completed_ = sum.completed = std::max(sum.completed, most_completed_);
  return sum;
}

}  // namespace furrow::pool
