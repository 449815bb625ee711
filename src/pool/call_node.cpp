#include "furrow/detail/call_node.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "os/events/clock.hpp"
#include "os/events/futex.hpp"
#include "pool/task/call_pump.hpp"
#include "pool/task/failure.hpp"
#include "pool/task/task_scope.hpp"
#include "pool/task/timeout_monitor.hpp"
#include "pool/threads/worker_threads.hpp"

namespace FURROW_NAMESPACE::detail {

namespace {

constexpr std::int64_t kForever_ns = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLongestPump_ns = 100'000'000;
constexpr std::int64_t kBetweenTurns_ns = 1'000'000;  // between attempts to run the pump

// The time limit of a single call.
class CallHost : public TaskHost {
 public:
  CallHost(pool::TimeoutMonitor* timeout_monitor, double timeout_s)
      : timeout_monitor_(timeout_monitor), timeout_s_(timeout_s) {}
  AfterFailure failed(TaskScope&, std::uint64_t) override { return AfterFailure::kStop; }
  std::stop_token begin_watch(TaskScope& scope) override {
    auto* watch = timeout_monitor_->add(timeout_s_);
    scope.watch = watch;
    return watch->source.get_token();
  }
  void end_watch(TaskScope& scope) override {
    if (drop_watch(scope)) throw pool::TimeRanOut{timeout_s_};
  }
  bool drop_watch(TaskScope& scope) {
    auto* watch = static_cast<pool::TimeoutMonitor::Watch*>(std::exchange(scope.watch, nullptr));
    return watch && timeout_monitor_->remove(watch);
  }

 private:
  pool::TimeoutMonitor* timeout_monitor_;
  double timeout_s_;
};

}  // namespace

void CallNode::execute(int worker) noexcept {
  {
    CallHost host(home->timeout_monitor, timeout_s);
    TaskScope scope(worker, home->seed, number, &host);
    scope.cores_per_task = home->cores_per_task;
    scope.item = ItemIndex{0};
    for (bool again = true; again;) {
      again = false;
      try {
        call(scope);
      } catch (...) {
        Failure failure = pool::current_failure();
        if (host.drop_watch(scope)) failure.kind = FailureKind::kTimeout;
        pool::forget_stream(scope);
        failure.attempts = ++attempts;
        again = attempts <= retries;
        if (!again) fail(std::move(failure));
      }
    }
  }
  settle();
}

void CallNode::drop() noexcept {
  fail(pool::cancelled("the call never ran: its Pool was destroyed first"));
  settle();
}

// The function goes first: whoever has the result may rely on its captures being destroyed.
void CallNode::settle() noexcept {
  drop_function();
  run_callbacks();
  released(&state_);
  if (state_.exchange(kDone, std::memory_order_acq_rel) == kWaited)
    os::futex_wake_all(state_, os::Scope::kPrivate);
  release();
}

bool CallNode::pumped() const noexcept {
  pump->pump(0);
  return is_done();
}

// If another thread runs the pump, that thread settles the call.
bool CallNode::wait_pumping(std::int64_t until_ns) const {
  while (!is_done()) {
    pump->check_here();
    const std::int64_t left = until_ns - os::monotonic_ns();
    if (left <= 0) return false;
    if (pump->pump(std::min(left, kLongestPump_ns))) continue;
    std::uint32_t seen = kPending;
    if (!state_.compare_exchange_strong(seen, kWaited, std::memory_order_acq_rel) && seen == kDone) break;
    os::futex_wait(state_, kWaited, std::min(left, kBetweenTurns_ns), os::Scope::kPrivate);
  }
  return true;
}

// Waits for the thread that runs the call. If this is a worker itself, another thread takes its place.
bool CallNode::wait_parked(std::int64_t until_ns) const {
  const std::int64_t spin_until = os::monotonic_ns() + os::kSpinNs;
  std::optional<pool::WorkerThreads::Absence> absence;
  while (!ready()) {
    const std::int64_t now = os::monotonic_ns();
    if (now >= until_ns) return false;
    if (now < spin_until) continue;
    if (!absence) absence.emplace();
    std::uint32_t seen = kPending;
    if (!state_.compare_exchange_strong(seen, kWaited, std::memory_order_acq_rel) && seen == kDone) break;
    const std::int64_t left = until_ns == kForever_ns ? os::kNoTimeout : until_ns - now;
    os::futex_wait(state_, kWaited, absence->at_most_ns(left), os::Scope::kPrivate);
    absence->look();
  }
  return true;
}

// A worker that waits for a call which no worker has begun runs it at once. It runs no other task, which might
// want a lock that the waiting task holds.
void CallNode::wait() {
  if (pump) {
    wait_pumping(kForever_ns);
    return;
  }
  if (!ready() && threads) threads->run_if_queued(this);
  if (!ready()) wait_parked(kForever_ns);
}

bool CallNode::wait_for(double seconds) const {
  if (std::isnan(seconds)) throw std::invalid_argument("wait_for() needs a number of seconds, not NaN");
  const double bounded_s = std::clamp(seconds, 0.0, pool::kLongest_s);
  const std::int64_t until = os::monotonic_ns() + static_cast<std::int64_t>(bounded_s * 1e9);
  return pump ? wait_pumping(until) : wait_parked(until);
}

}  // namespace FURROW_NAMESPACE::detail
