// --timeout as a percentage of the median time of the successful jobs. The limit changes while jobs run. Not
// thread-safe.
#pragma once

#include <map>

#include "command/median.hpp"
#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"

namespace furrow::cli {

class MapTimeouts {
 public:
  MapTimeouts(double percent, plan::Executor& executor, os::EventLoop& loop);
  ~MapTimeouts();
  MapTimeouts(const MapTimeouts&) = delete;
  MapTimeouts& operator=(const MapTimeouts&) = delete;

  void started(plan::JobId job);
  void ended(plan::JobId job, bool ok, double wall_s);

 private:
  void arm();
  void look();

  const double factor_;
  plan::Executor& executor_;
  os::EventLoop& loop_;
  command::Median median_;
  std::map<plan::JobId, double> running_;  // when each started
  std::uint64_t timer_ = 0;
};

}  // namespace furrow::cli
