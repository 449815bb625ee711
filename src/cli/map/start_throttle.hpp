// Delays the start of the next job: --delay, --load, --memfree. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "farm/farm.hpp"
#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"

namespace furrow::cli {

struct StartThrottleOptions {
  double delay_s = 0;
  bool delay_auto = false;       // longer after a failure, shorter after a success
  std::optional<double> load{};  // the most processes that run or wait for a core
  std::uint64_t memfree = 0;     // bytes
};

class StartThrottle final : public farm::Throttle {
 public:
  StartThrottle(StartThrottleOptions options, plan::Executor& executor, os::EventLoop& loop);
  ~StartThrottle() override;

  double hold_s(std::size_t running) override;
  void started(plan::JobId job);
  void ended(plan::JobId job, bool ok);

 private:
  void watch_memory();

  StartThrottleOptions options_;
  plan::Executor& executor_;
  os::EventLoop& loop_;
  double next_start_ = 0;
  std::vector<plan::JobId> running_;  // the youngest last
  std::uint64_t timer_ = 0;
};

// How many bytes programs can still use; the total memory if the system does not say.
std::uint64_t available_memory();

}  // namespace furrow::cli
