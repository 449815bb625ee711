#include "exec/local/local_executor.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "base/strings.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/memory/peak_memory.hpp"
#include "os/process/marked_processes.hpp"
#include "os/process/process.hpp"

namespace furrow::exec {

namespace {

// When to look at a job's memory: soon, since most jobs are short, then ever less often.
constexpr double kFirstLook_s = 0.002, kLastLook_s = 1;

std::uint64_t tag_of(const AttemptSlot& slot) { return std::uint64_t{slot.use} << 32 | slot.index; }

// "NAME=value" of the variable by which processes outside of the group are known; empty: it is not set.
std::string mark_in(const plan::Launch& launch) {
  for (const auto& [name, value] : launch.environment)
    if (name == os::kMarkVariable) return name + "=" + value;
  return {};
}

std::vector<LocalOptions::Step> steps_of(const LocalOptions& options) {
  if (!options.ending.empty()) return options.ending;
  return {{SIGTERM, options.grace_s}};
}

}  // namespace

LocalExecutor::LocalExecutor(os::EventLoop& loop, os::Watchdog* watchdog, plan::ForkService* forks,
                             OutputSink* sink, LocalOptions options)
    : loop_(loop),
      watchdog_(watchdog),
      forks_(forks),
      sink_(sink),
      one_stream_(sink == nullptr || sink->is_one_stream()),
      has_table_(options.has_table),
      max_running_(std::min({options.max_running, std::size_t{os::Watchdog::kSlots},
                             attempts_allowed(limit_.now(), one_stream_)})),
      launcher_(options.scratch, limit_.before(), options.run),
      tools_(loop, options.scratch, leftovers_allowed(limit_.now()),
             sink != nullptr && sink->wants_live_output() ? sink : nullptr),
      terminator_(loop, steps_of(options), [this](AttemptSlot& slot) { report(slot); }),
      start_limit_(std::min(max_running_, attempts_in_process_limit())) {
  if (forks_ != nullptr) forks_->set_fork_listener(this);
}

LocalExecutor::~LocalExecutor() {
  if (forks_ != nullptr) forks_->set_fork_listener(nullptr);
  loop_.cancel(ended_timer_);
  loop_.cancel(postponed_timer_);
  for (const auto& slot : slots_) destroy(*slot);
}

// --- starting

void LocalExecutor::start(plan::Attempt attempt) {
  if (attempt.launch.kind == plan::Launch::Kind::kNothing) return end_without_slot(attempt, {});
  AttemptSlot* const taken = take_slot();
  // More than max_running() is the caller's mistake, but the job must still be reported.
  if (taken == nullptr) return end_without_slot(attempt, "too many jobs run at once");
  AttemptSlot& slot = *taken;
  slot.exit = plan::Exit{.job = attempt.job, .attempt = attempt.number};
  slot.scratch = std::move(attempt.launch.scratch);
  slot.timeout_s = attempt.timeout_s;
  slot.mark = mark_in(attempt.launch);
  slot.launch = std::move(attempt.launch);
  ++running_;
  if (!postponed_.empty()) return postpone(slot);
  begin(slot);
}

void LocalExecutor::begin(AttemptSlot& slot) {
  slot.exit.started_at = os::wall_seconds();
  slot.started = os::monotonic_seconds();
  arm_timeout(slot, slot.timeout_s);
  if (slot.launch.watch_memory) watch_memory(slot, kFirstLook_s);
  slot.state = State::kFree;
  const Result<void> started = slot.is_second ? start_program(slot, true) : launch(slot);
  if (started) return start_limit_.started();
  const int code = slot.capture.failure_code() != 0 ? slot.capture.failure_code() : launcher_.failure_code();
  if (!StartLimit::is_passing(code)) return cannot_start(slot, started.error());
  FURROW_LOG(exec, info, "job {} cannot start now: {}", slot.exit.job, started.error().message);
  const std::size_t others = live() - 1;
  start_limit_.refused(others, os::monotonic_seconds());
  postpone(slot);
  if (start_limit_.gives_up(others, os::monotonic_seconds())) abandon_postponed(started.error());
}

// --- starts that the system refuses for the moment

void LocalExecutor::postpone(AttemptSlot& slot) {
  cancel_timers(slot);
  slot.capture.finish();
  slot.capture.clear();
  slot.state = State::kPostponed;
  postponed_.push_back(&slot);
  try_postponed_later();
}

void LocalExecutor::try_postponed_later() {
  if (postponed_timer_ != 0) return;
  postponed_timer_ = loop_.after(StartLimit::kPause_s, [this] {
    postponed_timer_ = 0;
    start_postponed();
  });
}

// Stops at the first that is refused again, which stays the first.
void LocalExecutor::start_postponed() {
  while (!postponed_.empty() && (live() == 0 || live() < start_limit_.allowed())) {
    AttemptSlot& slot = *postponed_.front();
    postponed_.erase(postponed_.begin());
    begin(slot);
    if (slot.state != State::kPostponed) continue;
    std::rotate(postponed_.begin(), postponed_.end() - 1, postponed_.end());
    return;
  }
  if (!postponed_.empty()) try_postponed_later();
}

void LocalExecutor::abandon_postponed(const Error& error) {
  Error last = error;
  last.message += fmt::format("; it was tried for {} s, while no other job of this run was running",
                              StartLimit::kPatience_s);
  for (AttemptSlot* const slot : std::exchange(postponed_, {})) cannot_start(*slot, last);
}

// Any number of jobs without a command may be started at a time.
void LocalExecutor::end_without_slot(const plan::Attempt& attempt, std::string error) {
  without_slot_.push_back({.job = attempt.job,
                           .attempt = attempt.number,
                           .status = error.empty() ? 0 : -1,
                           .error = std::move(error),
                           .started_at = os::wall_seconds()});
  ++running_;
  report_soon();
}

Result<void> LocalExecutor::launch(AttemptSlot& slot) {
  const plan::Launch& launch = slot.launch;
  if (launch.kind != plan::Launch::Kind::kFork) return start_program(slot, false);
  if (forks_ == nullptr) return fail("there is no evaluator to fork the job from");
  FURROW_TRY(slot.capture.open(one_stream_, slot.exit.job));
  launch_fork(slot, launch);
  slot.launch = {};
  return {};
}

Result<void> LocalExecutor::start_program(AttemptSlot& slot, bool again) {
  if (!slot.launch.output) {
    FURROW_TRY(slot.capture.open(one_stream_, slot.exit.job));
  }
  // The engine closes its copies of such streams at once, so they are not there for a second start.
  const bool has_streams = slot.launch.input || slot.launch.output || slot.launch.errors;
  const LaunchTo to{slot.capture.out_fd(), slot.capture.err_fd(), slot.watched,
                    &slot.script,          has_streams,           has_table_ ? tag_of(slot) : 0};
  Result<os::Child> child = again ? launcher_.start_again(slot.launch, to) : launcher_.start(slot.launch, to);
  slot.capture.close_write_ends();
  if (!child) return fail(std::move(child.error()));
  FURROW_LOG(exec, info, "job {} runs as process {}: {:.200}", slot.exit.job, child->pid,
             slot.launch.command.empty() ? join(slot.launch.argv, " ") : slot.launch.command);
  if (has_streams || again) slot.launch = {};
  slot.state = State::kRunning;
  slot.child = *child;
  slot.pid = child->pid;
  slot.pidfd = child->pidfd;
  loop_.watch(slot.pidfd, EPOLLIN, [this, &slot](std::uint32_t) { on_child_readable(slot); });
  return {};
}

// The child has ended without having executed the program.
void LocalExecutor::start_again(AttemptSlot& slot) {
  (void)os::reap(slot.pid);
  forget_pidfd(slot);
  slot.pid = -1;
  slot.clear_watched();
  slot.capture.finish();
  slot.capture.clear();
  slot.exit.cancelled |= is_cancelled_;
  if (slot.asked != Asked::kNothing || is_cancelled_) {
    slot.exit.status = -1;
    return end_later(slot);
  }
  slot.is_second = true;
  cancel_timers(slot);
  begin(slot);
}

void LocalExecutor::cannot_start(AttemptSlot& slot, const Error& error) {
  FURROW_LOG(exec, info, "job {} cannot start: {}", slot.exit.job, error.message);
  slot.exit.status = -1;
  slot.exit.error = error.to_string();
  slot.clear_watched();
  end_later(slot);
}

void LocalExecutor::launch_fork(AttemptSlot& slot, const plan::Launch& launch) {
  slot.is_fork = true;
  slot.state = State::kStarting;
  forks_->fork_child(tag_of(slot), slot.index, launch.payload, slot.capture.out_fd(), slot.capture.err_fd());
  slot.capture.close_write_ends();
}

void LocalExecutor::arm_timeout(AttemptSlot& slot, double seconds) {
  if (seconds <= 0) return;
  slot.timeout = loop_.after(seconds, [this, &slot] {
    slot.timeout = 0;
    if (slot.asked != Asked::kNothing) return;
    FURROW_LOG(exec, info, "job {} has run for {:.3f} s, longer than it may: it is ended", slot.exit.job,
               os::monotonic_seconds() - slot.started);
    terminator_.ask_to_end(slot, Asked::kTerminate);
    slot.exit.timed_out = slot.asked != Asked::kNothing;
  });
}

// The peak that the kernel reports at the end is useless for a job that is smaller than the engine.
void LocalExecutor::watch_memory(AttemptSlot& slot, double delay_s) {
  slot.memory = loop_.after(delay_s, [this, &slot, delay_s] {
    if (slot.pid > 0 && !os::Spawner::shares_our_memory(slot.child))
      slot.seen_kb = std::max(slot.seen_kb, os::peak_of_tree_kb(slot.pid));
    watch_memory(slot, std::min(2 * delay_s, kLastLook_s));
  });
}

AttemptSlot* LocalExecutor::take_slot() {
  if (running_ >= max_running_) return nullptr;
  AttemptSlot* slot = nullptr;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  } else {
    if (slots_.size() >= os::Watchdog::kSlots) return nullptr;
    const auto index = static_cast<std::uint32_t>(slots_.size());
    auto* const watched = watchdog_ == nullptr ? nullptr : &watchdog_->slot(index);
    slot = slots_.emplace_back(std::make_unique<AttemptSlot>(index, watched, tools_)).get();
  }
  ++slot->use;
  if (watchdog_ != nullptr) watchdog_->use(slot->index).store(slot->use, std::memory_order_relaxed);
  return slot;
}

// --- forks of the evaluator

// Null if the slot has been used again since the tag was made.
AttemptSlot* LocalExecutor::slot_of(std::uint64_t tag) {
  const std::uint32_t index = static_cast<std::uint32_t>(tag);
  if (index >= slots_.size()) return nullptr;
  AttemptSlot* const slot = slots_[index].get();
  return slot->use == tag >> 32 && slot->is_fork ? slot : nullptr;
}

void LocalExecutor::on_forked(std::uint64_t tag, Result<int> pid) {
  AttemptSlot* const found = slot_of(tag);
  if (found == nullptr) return;
  AttemptSlot& slot = *found;
  if (slot.state == State::kRetired) {  // too late: the attempt was reported as cancelled
    if (pid && !os::signal_group(*pid, SIGKILL)) ::kill(*pid, SIGKILL);
    return;
  }
  if (slot.state != State::kStarting) return;
  if (!pid) {
    slot.exit.status = -1;
    slot.exit.error = pid.error().to_string();
    end_later(slot);
    return;
  }
  FURROW_LOG(exec, info, "job {} runs as process {}, a fork of the evaluator", slot.exit.job, *pid);
  slot.pid = *pid;
  slot.state = State::kRunning;
  if (slot.asked != Asked::kNothing) terminator_.send(slot);
}

void LocalExecutor::on_fork_exit(std::uint64_t tag, int raw_wait_status, std::string error) {
  AttemptSlot* const found = slot_of(tag);
  if (found == nullptr) return;
  AttemptSlot& slot = *found;
  if (slot.state != State::kStarting && slot.state != State::kRunning) return;
  slot.exit.error = std::move(error);
  if (slot.pid < 0 && slot.watched != nullptr) slot.pid = *slot.watched;
  leader_ended(slot, raw_wait_status);
}

// --- the end of an attempt

void LocalExecutor::on_child_readable(AttemptSlot& slot) {
  const std::optional<int> status = os::peek_status(slot.pid);
  if (!status) return;
  if (launcher_.never_ran(slot.child)) return start_again(slot);
  // Until the leader is reaped its number is not reused, so a signal to the group reaches no other process.
  const bool is_clean_exit = *status == 0 && slot.asked == Asked::kNothing;
  if (is_clean_exit) {
    slot.clear_watched();
  } else if (slot.asked != Asked::kTerminate) {
    os::signal_group(slot.pid, SIGKILL);
    if (!slot.mark.empty()) os::signal_marked(slot.mark, SIGKILL);
    slot.killed = os::monotonic_seconds();
    slot.asked = Asked::kKill;
  }
  const std::optional<os::Ended> ended = os::reap(slot.pid);
  forget_pidfd(slot);
  if (ended) {
    plan::Usage& usage = slot.exit.usage;
    usage.user_s = ended->user_s;
    usage.system_s = ended->system_s;
    usage.max_rss_kb = peak_of(*ended);
    usage.read_blocks = ended->read_blocks;
    usage.write_blocks = ended->write_blocks;
  }
  leader_ended(slot, *status);
}

// 0 if it is not known: then it was not larger than the engine's own.
std::int64_t LocalExecutor::peak_of(const os::Ended& ended) {
  if (ended.max_rss_kb > own_peak_kb_) own_peak_kb_ = os::own_peak_kb();
  return ended.max_rss_kb > own_peak_kb_ ? ended.max_rss_kb : 0;
}

void LocalExecutor::leader_ended(AttemptSlot& slot, int raw_status) {
  slot.exit.usage.wall_s = os::monotonic_seconds() - slot.started;
  if (slot.exit.usage.max_rss_kb == 0) slot.exit.usage.max_rss_kb = slot.seen_kb;
  slot.exit.status = os::exit_code(raw_status);
  slot.exit.signal = os::exit_signal(raw_status);
  FURROW_LOG(exec, info, "job {}, process {}, ended with status {}, signal {}", slot.exit.job, slot.pid,
             slot.exit.status, slot.exit.signal);
  loop_.cancel(std::exchange(slot.timeout, 0));
  if (slot.asked == Asked::kKill) loop_.cancel(std::exchange(slot.grace, 0));
  const bool is_clean_exit = raw_status == 0 && slot.asked == Asked::kNothing;
  if (is_clean_exit || (slot.mark.empty() && !os::group_exists(slot.pid))) return report(slot);
  terminator_.drain(slot);
}

void LocalExecutor::end_later(AttemptSlot& slot) {
  slot.state = State::kEnded;
  ended_.push_back(&slot);
  report_soon();
}

void LocalExecutor::report_soon() {
  if (ended_timer_ == 0) ended_timer_ = loop_.after(0, [this] { report_ended(); });
}

void LocalExecutor::report_ended() {
  ended_timer_ = 0;
  for (AttemptSlot* const slot : std::exchange(ended_, {})) report(*slot);
  for (plan::Exit& exit : std::exchange(without_slot_, {})) {
    --running_;
    listener_->on_exit(std::move(exit));
  }
}

void LocalExecutor::keep_output(AttemptSlot& slot) {
  Capture& capture = slot.capture;
  capture.finish();
  const CapturedOutput output{.job = slot.exit.job,
                              .attempt = slot.exit.attempt,
                              .out = capture.out(),
                              .err = capture.err(),
                              .out_held = &capture.kept_out(),
                              .err_held = &capture.kept_err()};
  if (!output.out.empty() || !output.err.empty()) {
    slot.exit.output = capture.tail(plan::kKeptOutput);
    if (sink_ != nullptr) sink_->show(output);
  }
  capture.clear();
}

void LocalExecutor::report(AttemptSlot& slot) {
  cancel_timers(slot);
  keep_output(slot);
  if (slot.state != State::kRetired) slot.clear_watched();
  for (std::string* const file : {&slot.scratch, &slot.script}) {
    if (!file->empty()) ::unlink(file->c_str());
    file->clear();
  }
  plan::Exit exit = std::move(slot.exit);
  slot.pid = -1;
  slot.asked = Asked::kNothing;
  slot.step = 0;
  slot.seen_kb = 0;
  slot.child = {};
  slot.launch = {};
  slot.is_second = false;
  if (slot.state != State::kRetired) {
    slot.is_fork = false;
    slot.state = State::kFree;
    free_.push_back(&slot);
  }
  --running_;
  if (postponed_.empty()) start_limit_.ended();
  listener_->on_exit(std::move(exit));
  if (!postponed_.empty()) start_postponed();
}

// --- cancelling

void LocalExecutor::cancel_all(plan::Stop how) {
  is_cancelled_ = true;
  for (AttemptSlot* const slot : std::exchange(postponed_, {})) {
    slot->exit.status = -1;
    slot->exit.cancelled = true;
    end_later(*slot);
  }
  for (const auto& each : slots_) {
    AttemptSlot& slot = *each;
    const bool lives =
        slot.state == State::kStarting || slot.state == State::kRunning || slot.state == State::kDraining;
    if (!lives) continue;
    terminator_.ask_to_end(slot, how == plan::Stop::kGently ? Asked::kTerminate : Asked::kKill);
    if (slot.asked != Asked::kNothing && slot.state != State::kDraining) slot.exit.cancelled = true;
  }
}

void LocalExecutor::interrupt(plan::JobId job, bool timed_out) {
  const auto waits = std::find_if(postponed_.begin(), postponed_.end(),
                                  [&](const AttemptSlot* slot) { return slot->exit.job == job; });
  if (waits != postponed_.end()) {
    AttemptSlot& slot = **waits;
    postponed_.erase(waits);
    slot.exit.status = -1;
    slot.exit.signal = SIGTERM;
    return end_later(slot);
  }
  for (const auto& each : slots_) {
    AttemptSlot& slot = *each;
    const bool lives = slot.state == State::kRunning || slot.state == State::kStarting;
    if (slot.exit.job != job || !lives || slot.asked != Asked::kNothing) continue;
    terminator_.ask_to_end(slot, Asked::kTerminate);
    slot.exit.timed_out = timed_out && slot.asked != Asked::kNothing;
  }
}

// --- cleaning up

void LocalExecutor::forget_pidfd(AttemptSlot& slot) {
  if (slot.pidfd < 0) return;
  loop_.forget(slot.pidfd);
  ::close(std::exchange(slot.pidfd, -1));
}

void LocalExecutor::cancel_timers(AttemptSlot& slot) {
  for (std::uint64_t* const timer : {&slot.timeout, &slot.grace, &slot.memory})
    loop_.cancel(std::exchange(*timer, 0));
}

void LocalExecutor::destroy(AttemptSlot& slot) {
  cancel_timers(slot);
  if (slot.pid > 0) os::signal_group(slot.pid, SIGKILL);
  if (slot.pidfd >= 0) os::wait_for(slot.pid);
  forget_pidfd(slot);
  if (slot.pid > 0) slot.clear_watched();
  for (const std::string& file : {slot.scratch, slot.script}) {
    if (!file.empty()) ::unlink(file.c_str());
  }
}

}  // namespace furrow::exec
