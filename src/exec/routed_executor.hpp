// Combines two executors: some attempts run on this machine, the others elsewhere. Not thread-safe.
#pragma once

#include <functional>

#include "plan/executor.hpp"

namespace furrow::exec {

class RoutedExecutor : public plan::Executor {
 public:
  // Borrows both executors. `is_remote` is called once for each attempt.
  RoutedExecutor(plan::Executor& local, plan::Executor& remote,
                 std::function<bool(const plan::Attempt& attempt)> is_remote)
      : local_(local), remote_(remote), is_remote_(std::move(is_remote)) {}

  void set_listener(plan::ExitListener* listener) override {
    local_.set_listener(listener);
    remote_.set_listener(listener);
  }
  // The sum is no risk for this machine: the farm's budget keeps local attempts within its cores.
  std::size_t max_running() const override { return local_.max_running() + remote_.max_running(); }
  void start(plan::Attempt attempt) override {
    plan::Executor& chosen = is_remote_(attempt) ? remote_ : local_;
    chosen.start(std::move(attempt));
  }
  std::size_t running() const override { return local_.running() + remote_.running(); }
  void cancel_all(plan::Stop how) override {
    local_.cancel_all(how);
    remote_.cancel_all(how);
  }
  std::vector<plan::JobId> release() override { return remote_.release(); }
  void interrupt(plan::JobId job, bool timed_out) override {
    local_.interrupt(job, timed_out);
    remote_.interrupt(job, timed_out);
  }

 private:
  plan::Executor& local_;
  plan::Executor& remote_;
  std::function<bool(const plan::Attempt& attempt)> is_remote_;
};

}  // namespace furrow::exec
