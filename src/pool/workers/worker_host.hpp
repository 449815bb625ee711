// What a worker process does about tasks that fail: it tries again, or reports the failure.
//
// For the worker's one thread. It does not handle time limits: the parent watches the published item, and
// kills the worker. So the stop token that it returns never asks to stop. task_stop_requested() sees the parent's word.
#pragma once

#include <optional>

#include "furrow/detail/map_call.hpp"
#include "pool/workers/outbox.hpp"

namespace furrow::pool {

class WorkerHost : public detail::TaskHost {
 public:
  // IN_PLACE: results are written in place, so the loop over a range stops at a failure, and its caller
  // continues at stopped_at(). Otherwise failures are reported at once.
  WorkerHost(const WorkerMemory& memory, int worker, Outbox& outbox, bool in_place)
      : slot_(memory.slot(worker)), process_(memory.process(worker)), outbox_(outbox), in_place_(in_place) {}

  detail::AfterFailure failed(detail::TaskScope& scope, std::uint64_t index) override;
  std::stop_token begin_watch(detail::TaskScope&) override { return never_.get_token(); }
  void end_watch(detail::TaskScope&) override {}
  bool stop_requested(detail::TaskScope& scope) const noexcept override {
    slot_.asked.store(slot_.published.load(), std::memory_order_relaxed);
    bool& ends = scope.notes().ends;
    return ends = ends || should_end();
  }
  bool should_end() const noexcept {
    const std::uint64_t stop = process_.stop.load(std::memory_order_acquire);
    return stop != kNoTask && (stop == kAnyTask || stop == task);
  }

  int retries = 0;
  std::uint64_t task = kNoTask;  // the word of the message that is handled
  // INDEX was tried before, in another process.
  void tried(std::uint64_t index, int attempts) { tried_index_ = index, tried_attempts_ = attempts; }

  void begin_range() { stopped_at_ = kNothing; }
  std::uint64_t stopped_at() const { return stopped_at_; }
  // The failure at stopped_at(); none if the task is to be tried again.
  std::optional<Failure> take_failure() { return std::exchange(failure_, std::nullopt); }

 private:
  WorkerSlot& slot_;
  const ProcessSlot& process_;
  Outbox& outbox_;
  bool in_place_;
  std::stop_source never_{};
  std::uint64_t tried_index_ = kNothing;
  int tried_attempts_ = 0;
  std::uint64_t stopped_at_ = kNothing;
  std::optional<Failure> failure_{};
};

}  // namespace furrow::pool
