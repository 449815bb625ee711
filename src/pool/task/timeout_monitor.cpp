#include "pool/task/timeout_monitor.hpp"

#include <pthread.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace furrow::pool {

namespace {

constexpr std::chrono::seconds kGrace{2};  // for a task that was asked to end

}  // namespace

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
    watches_.front().timeout_s = timeout_s;
    if (!thread_.joinable())
      thread_ = std::jthread([this](std::stop_token ending) { run(std::move(ending)); });
    if (watches_.front().deadline < next_look_) {
      next_look_ = Clock::time_point::min();
      changed_.notify_one();
    }
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

// When to look at a watch that has run out again. Nothing here can end its task.
TimeoutMonitor::Clock::time_point TimeoutMonitor::notice_overdue(const Watch& watch) {
  if (has_noticed_) return Clock::time_point::max();
  if (Clock::now() < watch.deadline + kGrace) return watch.deadline + kGrace;
  has_noticed_ = true;
  const std::string line = fmt::format(
      "furrow: a task runs for {} s beyond its time limit of {:g} s, and the Pool waits for it: let it "
      "look at task_stop_requested(), or use processes, which can be ended\n",
      kGrace.count(), watch.timeout_s);
  std::fputs(line.c_str(), stderr);
  return Clock::time_point::max();
}

void TimeoutMonitor::run(std::stop_token ending) {
  ::pthread_setname_np(::pthread_self(), "furrow-timeouts");
  std::unique_lock lock(mutex_);
  while (!ending.stop_requested()) {
    Clock::time_point next = Clock::time_point::max();
    std::vector<std::stop_source> late;
    for (Watch& each : watches_) {
      if (each.ran_out) {
        next = std::min(next, notice_overdue(each));
      } else if (each.deadline <= Clock::now()) {
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
    next_look_ = next;
    const auto is_earlier = [&] { return next_look_ != next; };
    if (next == Clock::time_point::max())
      changed_.wait(lock, ending, is_earlier);
    else
      changed_.wait_until(lock, ending, next, is_earlier);
    next_look_ = Clock::time_point::min();
  }
}

}  // namespace furrow::pool
