// What a worker process does about tasks that fail: tries again, or reports the failure.
//
// For the worker's one thread. Time limits are not its business: the parent watches the published item, and
// kills. So the stop token that it gives never asks to stop.
#pragma once

#include <optional>

#include "furrow/detail/map_call.hpp"
#include "pool/crew/outbox.hpp"

namespace furrow::pool {

class WorkerHost : public detail::TaskHost {
 public:
  // IN_PLACE: results are written in place, so a stretch is broken off at a failure, and whoever runs it asks
  // stopped_at() and goes on from there. Otherwise failures are reported at once.
  WorkerHost(WorkerSlot& slot, Outbox& outbox, bool in_place)
      : slot_(slot), outbox_(outbox), in_place_(in_place) {}

  detail::AfterFailure failed(detail::TaskScope& scope, std::uint64_t unit) override;
  std::stop_token begin_watch(detail::TaskScope&) override { return never_.get_token(); }
  void end_watch(detail::TaskScope&) override {}

  int retries = 0;
  // UNIT was tried before, elsewhere.
  void tried(std::uint64_t unit, int attempts) { tried_unit_ = unit, tried_attempts_ = attempts; }

  void begin_stretch() { stopped_at_ = kNothing; }
  std::uint64_t stopped_at() const { return stopped_at_; }
  // The failure there; none where the unit is to be tried again.
  std::optional<Failure> take_failure() { return std::exchange(failure_, std::nullopt); }

 private:
  WorkerSlot& slot_;
  Outbox& outbox_;
  bool in_place_;
  std::stop_source never_{};
  std::uint64_t tried_unit_ = kNothing;
  int tried_attempts_ = 0;
  std::uint64_t stopped_at_ = kNothing;
  std::optional<Failure> failure_{};
};

}  // namespace furrow::pool
