// What holds up the next job: --delay, --load, --memfree. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "farm/farm.hpp"
#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"

namespace furrow::cli {

struct GateOptions {
  double delay_s = 0;
  bool delay_auto = false;       // longer after a failure, shorter after a success
  std::optional<double> load{};  // processes that want to run, at most
  std::uint64_t memfree = 0;     // bytes
};

class MapGate final : public farm::StartGate {
 public:
  MapGate(GateOptions options, plan::Executor& executor, os::EventLoop& loop);
  ~MapGate() override;

  double hold_s(std::size_t running) override;
  void started(plan::JobId job);
  void ended(plan::JobId job, bool ok);

 private:
  void watch_memory();

  GateOptions options_;
  plan::Executor& executor_;
  os::EventLoop& loop_;
  double next_start_ = 0;
  std::vector<plan::JobId> running_;  // the youngest last
  std::uint64_t timer_ = 0;
};

// Bytes that programs could still have; what there is in all where the system does not say.
std::uint64_t available_memory();

}  // namespace furrow::cli
