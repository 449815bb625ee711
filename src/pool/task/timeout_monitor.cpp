#include "pool/task/timeout_monitor.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace furrow::pool {

TimeoutMonitor::~TimeoutMonitor() = default;

TimeoutMonitor::Watch* TimeoutMonitor::add(double timeout_s, const void* owner) {
  const std::lock_guard lock(mutex_);
  watches_.emplace_front();
  watches_.front().self = watches_.begin();
  watches_.front().owner = owner;
  if (is_limit(timeout_s)) {
    const auto length = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(std::min(timeout_s, kLongest_s)));
    watches_.front().deadline = Clock::now() + length;
    if (!thread_.joinable())
      thread_ = std::jthread([this](std::stop_token ending) { run(std::move(ending)); });
    ++changes_;
    changed_.notify_one();
  }
  return &watches_.front();
}

bool TimeoutMonitor::remove(Watch* watch) {
  const std::lock_guard lock(mutex_);
  const bool ran_out = watch->ran_out;
  watches_.erase(watch->self);
  return ran_out;
}

void TimeoutMonitor::stop(const void* owner) {
  std::vector<std::stop_source> sources;
  {
    const std::lock_guard lock(mutex_);
    for (const Watch& each : watches_)
      if (!owner || each.owner == owner) sources.push_back(each.source);
  }
  for (std::stop_source& each : sources)
    each.request_stop();  // without the lock, since it runs the tasks' stop callbacks
}

void TimeoutMonitor::run(std::stop_token ending) {
  ::pthread_setname_np(::pthread_self(), "furrow-timeouts");
  std::unique_lock lock(mutex_);
  while (!ending.stop_requested()) {
    Clock::time_point next = Clock::time_point::max();
    std::vector<std::stop_source> late;
    for (Watch& each : watches_) {
      if (each.ran_out) continue;
      if (each.deadline <= Clock::now()) {
        each.ran_out = true;
        late.push_back(each.source);
      } else {
        next = std::min(next, each.deadline);
      }
    }
    if (!late.empty()) {
      lock.unlock();
      for (std::stop_source& each : late) each.request_stop();
      lock.lock();
      continue;
    }
    const auto changed = [&, seen = changes_] { return changes_ != seen; };
    if (next == Clock::time_point::max())
      changed_.wait(lock, ending, changed);
    else
      changed_.wait_until(lock, ending, next, changed);
  }
}

}  // namespace furrow::pool
