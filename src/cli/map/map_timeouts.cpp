#include "cli/map/map_timeouts.hpp"

#include <algorithm>
#include <vector>

#include "os/events/clock.hpp"

namespace furrow::cli {

namespace {
constexpr double kFewestPause_s = 0.05;
}

MapTimeouts::MapTimeouts(double percent, plan::Executor& executor, os::EventLoop& loop)
    : factor_(percent / 100), executor_(executor), loop_(loop) {}

MapTimeouts::~MapTimeouts() { loop_.cancel(timer_); }

void MapTimeouts::started(plan::JobId job) {
  running_[job] = os::monotonic_seconds();
  arm();
}

void MapTimeouts::ended(plan::JobId job, bool ok, double wall_s) {
  running_.erase(job);
  if (!ok) return;
  median_.add(wall_s);
  arm();
}

void MapTimeouts::arm() {
  if (timer_ != 0 || median_.empty() || running_.empty()) return;
  double oldest = running_.begin()->second;
  for (const auto& [job, since] : running_) oldest = std::min(oldest, since);
  const double wait = oldest + factor_ * median_.value() - os::monotonic_seconds();
  timer_ = loop_.after(std::max(wait, kFewestPause_s), [this] { look(); });
}

void MapTimeouts::look() {
  timer_ = 0;
  const double limit = factor_ * median_.value(), now = os::monotonic_seconds();
  std::vector<plan::JobId> over;
  for (const auto& [job, since] : running_) {
    if (now - since > limit) over.push_back(job);
  }
  for (const plan::JobId job : over) {
    running_.erase(job);
    executor_.interrupt(job, true);
  }
  arm();
}

}  // namespace furrow::cli
