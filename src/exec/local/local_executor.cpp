#include "exec/local/local_executor.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "exec/local/local_executor_impl.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/memory/peak_memory.hpp"
#include "os/process/process.hpp"

namespace furrow::exec {

namespace {

// When to look at a job's memory: soon, since most jobs are short, then ever less often.
constexpr double kFirstLook_s = 0.002, kLastLook_s = 1;

}  // namespace

// --- starting

void LocalExecutor::Impl::start(plan::Attempt attempt) {
  const std::optional<std::uint32_t> index = take_slot();
  if (!index) {  // more than max_running(): the caller's mistake, but the job must still be reported
    refused_.push_back(
        {.job = attempt.job, .attempt = attempt.number, .status = -1, .error = "too many jobs run at once"});
    report_soon();
    return;
  }
  AttemptSlot& slot = at(*index);
  slot.exit = plan::Exit{.job = attempt.job, .attempt = attempt.number};
  slot.exit.started_at = os::wall_seconds();
  slot.started = os::monotonic_seconds();
  slot.scratch = std::move(attempt.launch.scratch);
  ++running;
  arm_timeout(*index, attempt.timeout_s);
  if (attempt.launch.watch_memory) watch_memory(*index, kFirstLook_s);
  slot.launch = std::move(attempt.launch);
  if (const Result<void> started = launch(*index); !started) cannot_start(*index, started.error());
}

Result<void> LocalExecutor::Impl::launch(std::uint32_t index) {
  const plan::Launch& launch = at(index).launch;
  if (launch.kind == plan::Launch::Kind::kNothing) {
    end_later(index);
    return {};
  }
  if (launch.kind != plan::Launch::Kind::kFork) return start_program(index, false);
  if (forks_ == nullptr) return fail("there is no evaluator to fork the job from");
  FURROW_TRY(at(index).capture.open(one_stream_, at(index).exit.job));
  launch_fork(index, launch);
  at(index).launch = {};
  return {};
}

Result<void> LocalExecutor::Impl::start_program(std::uint32_t index, bool again) {
  AttemptSlot& slot = at(index);
  if (!slot.launch.output) {
    FURROW_TRY(slot.capture.open(one_stream_, slot.exit.job));
  }
  // The engine closes its copies of such streams at once, so they are not there for a second start.
  const bool has_streams = slot.launch.input || slot.launch.output || slot.launch.errors;
  const LaunchTo to{slot.capture.out_fd(), slot.capture.err_fd(), table(index), &slot.script, has_streams};
  Result<os::Child> child = again ? launcher_.start_again(slot.launch, to) : launcher_.start(slot.launch, to);
  slot.capture.close_write_ends();
  if (!child) return fail(std::move(child.error()));
  if (has_streams || again) slot.launch = {};
  slot.state = State::kRunning;
  slot.child = *child;
  slot.pid = child->pid;
  slot.pidfd = child->pidfd;
  loop_.watch(slot.pidfd, EPOLLIN, [this, index](std::uint32_t) { on_child_readable(index); });
  return {};
}

// The child has ended without having executed the program.
void LocalExecutor::Impl::start_again(std::uint32_t index) {
  AttemptSlot& slot = at(index);
  (void)os::reap(slot.pid);
  forget_pidfd(slot);
  slot.pid = -1;
  if (auto* const entry = table(index)) *entry = 0;
  slot.capture.finish();
  slot.capture.clear();
  slot.exit.cancelled |= is_cancelled_;
  if (slot.asked != Asked::kNothing || is_cancelled_) {
    slot.exit.status = -1;
    return end_later(index);
  }
  if (auto started = start_program(index, true); !started) cannot_start(index, started.error());
}

void LocalExecutor::Impl::cannot_start(std::uint32_t index, const Error& error) {
  AttemptSlot& slot = at(index);
  slot.exit.status = -1;
  slot.exit.error = error.to_string();
  if (auto* const entry = table(index)) *entry = 0;
  end_later(index);
}

void LocalExecutor::Impl::launch_fork(std::uint32_t index, const plan::Launch& launch) {
  AttemptSlot& slot = at(index);
  slot.is_fork = true;
  slot.state = State::kStarting;
  const std::uint64_t tag = std::uint64_t{slot.use} << 32 | index;
  forks_->fork_child(tag, index, launch.payload, slot.capture.out_fd(), slot.capture.err_fd());
  slot.capture.close_write_ends();
}

void LocalExecutor::Impl::arm_timeout(std::uint32_t index, double seconds) {
  if (seconds <= 0) return;
  at(index).timeout = loop_.after(seconds, [this, index] {
    AttemptSlot& slot = at(index);
    slot.timeout = 0;
    if (slot.asked != Asked::kNothing) return;
    ask_to_end(index, Asked::kTerminate);
    slot.exit.timed_out = slot.asked != Asked::kNothing;
  });
}

// The peak that the kernel reports at the end is useless for a job that is smaller than the engine.
void LocalExecutor::Impl::watch_memory(std::uint32_t index, double delay_s) {
  at(index).memory = loop_.after(delay_s, [this, index, delay_s] {
    AttemptSlot& slot = at(index);
    if (slot.pid > 0) slot.seen_kb = std::max(slot.seen_kb, os::peak_of_tree_kb(slot.pid));
    watch_memory(index, std::min(2 * delay_s, kLastLook_s));
  });
}

std::optional<std::uint32_t> LocalExecutor::Impl::take_slot() {
  if (running >= most_) return std::nullopt;
  std::uint32_t index;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    if (slots_.size() >= os::Watchdog::kSlots) return std::nullopt;
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(std::make_unique<AttemptSlot>(tools_));
  }
  ++at(index).use;
  return index;
}

// --- forks of the evaluator

std::optional<std::uint32_t> LocalExecutor::Impl::slot_of(std::uint64_t tag) {
  const std::uint32_t index = static_cast<std::uint32_t>(tag);
  if (index >= slots_.size() || at(index).use != tag >> 32 || !at(index).is_fork) return std::nullopt;
  return index;
}

void LocalExecutor::Impl::on_forked(std::uint64_t tag, Result<int> pid) {
  const auto index = slot_of(tag);
  if (!index) return;
  AttemptSlot& slot = at(*index);
  if (slot.state == State::kRetired) {  // too late: the attempt was reported as cancelled
    if (pid && !os::signal_group(*pid, SIGKILL)) ::kill(*pid, SIGKILL);
    return;
  }
  if (slot.state != State::kStarting) return;
  if (!pid) {
    slot.exit.status = -1;
    slot.exit.error = pid.error().to_string();
    end_later(*index);
    return;
  }
  slot.pid = *pid;
  slot.state = State::kRunning;
  if (slot.asked != Asked::kNothing) send(*index);
}

void LocalExecutor::Impl::on_fork_exit(std::uint64_t tag, int raw_wait_status, std::string error) {
  const auto index = slot_of(tag);
  if (!index) return;
  AttemptSlot& slot = at(*index);
  if (slot.state != State::kStarting && slot.state != State::kRunning) return;
  slot.exit.error = std::move(error);
  if (slot.pid < 0 && watchdog_ != nullptr) slot.pid = watchdog_->slot(*index);
  leader_ended(*index, raw_wait_status);
}

// --- cleaning up

void LocalExecutor::Impl::forget_pidfd(AttemptSlot& slot) {
  if (slot.pidfd < 0) return;
  loop_.forget(slot.pidfd);
  ::close(std::exchange(slot.pidfd, -1));
}

void LocalExecutor::Impl::cancel_timers(AttemptSlot& slot) {
  for (std::uint64_t* const timer : {&slot.timeout, &slot.grace, &slot.memory})
    loop_.cancel(std::exchange(*timer, 0));
}

void LocalExecutor::Impl::destroy(std::uint32_t index) {
  AttemptSlot& slot = at(index);
  cancel_timers(slot);
  if (slot.pid > 0) os::signal_group(slot.pid, SIGKILL);
  if (slot.pidfd >= 0) os::wait_for(slot.pid);
  forget_pidfd(slot);
  if (auto* const entry = table(index); entry != nullptr && slot.pid > 0) *entry = 0;
  for (const std::string& file : {slot.scratch, slot.script}) {
    if (!file.empty()) ::unlink(file.c_str());
  }
}

LocalExecutor::LocalExecutor(os::EventLoop& loop, os::Watchdog* watchdog, plan::ForkService* forks,
                             OutputSink* sink, LocalOptions options)
    : impl_(std::make_unique<Impl>(loop, watchdog, forks, sink, std::move(options))) {}

LocalExecutor::~LocalExecutor() = default;

void LocalExecutor::set_listener(plan::ExitListener* listener) { impl_->listener = listener; }

std::size_t LocalExecutor::max_running() const { return impl_->most(); }

void LocalExecutor::start(plan::Attempt attempt) { impl_->start(std::move(attempt)); }

std::size_t LocalExecutor::running() const { return impl_->running; }

void LocalExecutor::cancel_all(plan::Stop how) { impl_->cancel_all(how); }

void LocalExecutor::interrupt(plan::JobId job, bool timed_out) { impl_->interrupt(job, timed_out); }

}  // namespace furrow::exec
