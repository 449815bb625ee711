#include "furrow/detail/call_node.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "os/events/clock.hpp"
#include "os/events/futex.hpp"
#include "os/process/process_tree.hpp"
#include "pool/task/call_pump.hpp"
#include "pool/task/failure.hpp"
#include "pool/task/task_scope.hpp"
#include "pool/task/timeout_monitor.hpp"
#include "pool/threads/worker_threads.hpp"

namespace FURROW_NAMESPACE::detail {

namespace {

constexpr std::int64_t kForever_ns = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kToBegin_ns = 200;  // a worker that is awake may begin it sooner
constexpr std::int64_t kLongestPump_ns = 100'000'000;
constexpr std::int64_t kBetweenTurns_ns = 1'000'000;  // between attempts to run the pump

const std::string kCancelledText = "the call was cancelled";

// The time limit of a single call, and whether it should end.
class CallHost : public TaskHost {
 public:
  explicit CallHost(const CallNode& call)
      : call_(call), timeout_monitor_(call.home->timeout_monitor), timeout_s_(call.timeout_s()) {}
  AfterFailure failed(TaskScope&, std::uint64_t) override { return AfterFailure::kStop; }
  std::stop_token begin_watch(TaskScope& scope) override {
    auto* watch = timeout_monitor_->add(timeout_s_, &call_);
    scope.notes().watch = watch;
    if (call_.is_cancelled()) watch->source.request_stop();  // cancel() may have looked for it before
    return watch->source.get_token();
  }
  bool stop_requested(TaskScope& scope) const noexcept override {
    const auto* watch = static_cast<const pool::TimeoutMonitor::Watch*>(scope.notes().watch);
    return call_.is_cancelled() || (watch && watch->source.stop_requested());
  }
  void end_watch(TaskScope& scope) override {
    if (drop_watch(scope)) throw pool::TimeRanOut{timeout_s_};
  }
  bool drop_watch(TaskScope& scope) {
    auto* watch = static_cast<pool::TimeoutMonitor::Watch*>(std::exchange(scope.notes().watch, nullptr));
    return watch && timeout_monitor_->remove(watch);
  }

 private:
  const CallNode& call_;
  pool::TimeoutMonitor* timeout_monitor_;
  double timeout_s_;
};

// Which call this thread cancels.
thread_local const CallNode* cancelling_here = nullptr;

}  // namespace

// The thread that runs a call.
struct CallNode::Runner {
  pid_t thread = os::thread_id();
  std::int64_t began_ns = os::coarse_ns();
};

struct CallNode::CancelOnStop {
  struct Cancel {
    CallNode* call;
    pid_t owner;
    void operator()() const noexcept {
      if (owner == ::getpid()) call->cancel();
    }
  };
  CancelOnStop(CallNode* call, std::stop_token token)
      : callback(std::move(token), Cancel{call, ::getpid()}) {}
  std::stop_callback<Cancel> callback;
};

void CallNode::drop_limits() noexcept {
  delete limits_->on_stop;
  delete limits_;
}

void CallNode::set_limits(double timeout_s, int retries) { limits_ = new Limits{timeout_s, retries}; }

CallNode::CallNode(pool::CallPump* of_parts) noexcept : pump(of_parts) {
  static const CallHome none{};
  home = &none;
}

Failure failure_here() { return pool::current_failure(); }

// A callback that runs at once may settle the call, but the caller still holds it. Other threads do not look at on_stop
// until they delete the call.
void CallNode::cancel_on(std::stop_token token) {
  if (token.stop_possible()) limits_->on_stop = new CancelOnStop(this, std::move(token));
}

void CallNode::execute(int worker) noexcept {
  Runner runner;
  // A cancel() at the same moment may overlook this, as if it had come just before: the outcome is the same.
  released(&where_);
  where_.store(reinterpret_cast<std::uintptr_t>(&runner), std::memory_order_release);
  if (is_cancelled()) return settle_cancelled();
  {
    CallHost host(*this);
    const bool watches =
        pool::is_limit(timeout_s()) && !stoppable();  // then the function does not say when it begins
    TaskScope scope({worker, home->seed, number, home->cores_per_task}, &host);
    scope.set_current(ItemIndex{0});
    for (bool again = true; again;) {
      again = false;
      try {
        if (watches) host.begin_watch(scope);
        call(scope);
        if (watches) host.end_watch(scope);
      } catch (...) {
        Failure failure = pool::current_failure();
        if (host.drop_watch(scope)) failure.kind = FailureKind::kTimeout;
        scope.forget_stream();
        failure.attempts = count_failure();
        again = failure.attempts <= retries() && !is_cancelled();
        if (!again) fail(std::move(failure));
      }
    }
  }
  settle();
}

// While this uses the call, it is not settled, except by this thread. So neither the call nor what holds it goes away.
bool CallNode::cancel() noexcept {
  switch (ending_.begin_cancel()) {
    case CallEnding::Cancel::kTooLate:
      return false;
    case CallEnding::Cancel::kBefore:
      return true;
    case CallEnding::Cancel::kNow:
      break;
  }
  retain();
  const CallNode* const outer = std::exchange(cancelling_here, this);
  const bool unbegun = call_queue && call_queue->cancel(*this);
  const std::uint64_t where = pump ? 0 : where_.load(std::memory_order_acquire);
  const auto* const runner = reinterpret_cast<const Runner*>(static_cast<std::uintptr_t>(where));
  if (!unbegun && runner) {
    acquired(&where_);
    home->timeout_monitor->stop(this);
    os::kill_programs_of_thread(runner->thread, os::start_ticks(runner->began_ns),
                                os::start_ticks(os::monotonic_ns()), {});
  }
  cancelling_here = outer;
  ending_.end_cancel();
  if (unbegun) settle();
  release();
  return true;
}

void CallNode::settle_cancelled() noexcept {
  fail(pool::cancelled(kCancelledText));
  settle();
}

void CallNode::drop() noexcept {
  fail(pool::cancelled("the call never ran: its Pool was destroyed first"));
  settle();
}

// Before the call is closed, since the Pool may go away right after that.
[[gnu::noinline]] void CallNode::count_failure_end() noexcept {
  if (std::exchange(is_counted_, true)) return;
  auto& ended = failed_as_ == FailedAs::kFailed ? home->failed : home->cancelled;
  ended.fetch_add(1, std::memory_order_relaxed);
}

[[gnu::noinline]] void CallNode::end_as_cancelled() noexcept {
  fail(pool::cancelled(kCancelledText));
  count_failure_end();
}

// The function goes first: whoever has the result may rely on its captures being destroyed.
void CallNode::settle() noexcept {
  drop_function();
  if (stops != home->stops.load(std::memory_order_acquire))
    end_as_cancelled();
  else if (failed_as_ != FailedAs::kNothing && !ending_.is_cancelled())
    count_failure_end();
  Listener* const last = ending_.close(cancelling_here == this, [this] { end_as_cancelled(); });
  if (last) {
    Listener* const late = run_callbacks(last);
    ending_.finish();
    if (late) run_late(late);
  }
  release();
}

bool CallNode::pumped() const noexcept {
  pump->pump(0);
  return ending_.is_done();
}

// If another thread runs the pump, that thread settles the call.
bool CallNode::wait_pumping(std::int64_t until_ns) const {
  while (!ending_.is_done()) {
    pump->check_here();
    const std::int64_t left = until_ns - os::monotonic_ns();
    if (left <= 0) return false;
    if (pump->pump(std::min(left, kLongestPump_ns))) continue;
    ending_.wait(std::min(left, kBetweenTurns_ns));
  }
  return true;
}

// Waits for the thread that runs the call. If this is a worker itself, another thread takes its place. It looks for a
// while before it sleeps, but only for a moment at a call that no worker begins: behind many others, this thread would
// take a core from the workers, and a worker that has to wake up is awake sooner where its caller sleeps.
bool CallNode::wait_parked(std::int64_t until_ns) const {
  const std::int64_t began = os::monotonic_ns();
  std::optional<pool::WorkerThreads::Absence> absence;
  while (!ready()) {
    const std::int64_t now = os::monotonic_ns();
    if (now >= until_ns) return false;
    const bool is_begun = where_.load(std::memory_order_relaxed) != 0;
    if (now < began + (is_begun || !call_queue ? os::kSpinNs : kToBegin_ns)) continue;
    if (!absence) absence.emplace();
    const std::int64_t left = until_ns == kForever_ns ? os::kNoTimeout : until_ns - now;
    ending_.wait(absence->at_most_ns(left));
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
  if (!ready() && call_queue) call_queue->run_if_queued(this);
  if (!ready()) wait_parked(kForever_ns);
}

bool CallNode::wait_for(double seconds) const {
  if (std::isnan(seconds)) throw std::invalid_argument("wait_for() needs a number of seconds, not NaN");
  const double bounded_s = std::clamp(seconds, 0.0, pool::kLongest_s);
  const std::int64_t until = os::monotonic_ns() + static_cast<std::int64_t>(bounded_s * 1e9);
  return pump ? wait_pumping(until) : wait_parked(until);
}

}  // namespace FURROW_NAMESPACE::detail
