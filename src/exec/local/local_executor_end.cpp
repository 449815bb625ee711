#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "exec/local/local_executor_impl.hpp"
#include "os/events/clock.hpp"
#include "os/process/process.hpp"

namespace furrow::exec {

namespace {

constexpr double kLookAgain_s = 0.002;  // between two looks at groups that are being ended
constexpr double kSettle_s = 0.3;       // how long to wait for a group, or for a fork's answer, after SIGKILL

}  // namespace

// --- the end of an attempt

void LocalExecutor::Impl::on_child_readable(std::uint32_t index) {
  AttemptSlot& slot = at(index);
  const std::optional<int> status = os::peek_status(slot.pid);
  if (!status) return;
  if (launcher_.never_ran(slot.child)) return start_again(index);
  // Until the leader is reaped its number is not reused, so a signal to the group reaches no other process.
  const bool is_clean_exit = *status == 0 && slot.asked == Asked::kNothing;
  if (is_clean_exit) {
    if (auto* const entry = table(index)) *entry = 0;
  } else if (slot.asked != Asked::kTerminate) {
    os::signal_group(slot.pid, SIGKILL);
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
  leader_ended(index, *status);
}

// 0 if it is not known: then it was not larger than the engine's own.
std::int64_t LocalExecutor::Impl::peak_of(const os::Ended& ended) {
  if (ended.max_rss_kb > own_peak_kb_) own_peak_kb_ = os::own_peak_kb();
  return ended.max_rss_kb > own_peak_kb_ ? ended.max_rss_kb : 0;
}

void LocalExecutor::Impl::leader_ended(std::uint32_t index, int raw_status) {
  AttemptSlot& slot = at(index);
  slot.exit.usage.wall_s = os::monotonic_seconds() - slot.started;
  if (slot.exit.usage.max_rss_kb == 0) slot.exit.usage.max_rss_kb = slot.seen_kb;
  slot.exit.status = os::exit_code(raw_status);
  slot.exit.signal = os::exit_signal(raw_status);
  loop_.cancel(std::exchange(slot.timeout, 0));
  if (slot.asked == Asked::kKill) loop_.cancel(std::exchange(slot.grace, 0));
  const bool is_clean_exit = raw_status == 0 && slot.asked == Asked::kNothing;
  if (is_clean_exit || !os::group_exists(slot.pid)) return report(index);
  slot.state = State::kDraining;
  draining_.push_back(index);
  if (slot.asked == Asked::kNothing) ask_to_end(index, Asked::kKill);
  look_again_in(kLookAgain_s);
}

// Looks at all groups together, since thousands of jobs may be cancelled at once.
void LocalExecutor::Impl::look_at_groups() {
  look_timer_ = 0;
  const double now = os::monotonic_seconds();
  std::vector<int> groups;
  for (const std::uint32_t index : draining_) groups.push_back(at(index).pid);
  const std::vector<int> living = os::living_groups(std::move(groups));
  const auto is_over = [&](std::uint32_t index) {
    const AttemptSlot& slot = at(index);
    const bool patience_ends = slot.asked == Asked::kKill && now > slot.killed + kSettle_s;
    return patience_ends || !std::binary_search(living.begin(), living.end(), slot.pid);
  };
  const auto first_over = std::stable_partition(draining_.begin(), draining_.end(), std::not_fn(is_over));
  const std::vector<std::uint32_t> over(first_over, draining_.end());
  draining_.erase(first_over, draining_.end());
  if (!draining_.empty()) look_again_in(std::max(kLookAgain_s, 4 * (os::monotonic_seconds() - now)));
  for (const std::uint32_t index : over) report(index);
}

void LocalExecutor::Impl::look_again_in(double delay_s) {
  if (look_timer_ == 0) look_timer_ = loop_.after(delay_s, [this] { look_at_groups(); });
}

void LocalExecutor::Impl::end_later(std::uint32_t index) {
  at(index).state = State::kEnded;
  ended_.push_back(index);
  report_soon();
}

void LocalExecutor::Impl::report_soon() {
  if (ended_timer_ == 0) ended_timer_ = loop_.after(0, [this] { report_ended(); });
}

void LocalExecutor::Impl::report_ended() {
  ended_timer_ = 0;
  const std::vector<std::uint32_t> ended = std::exchange(ended_, {});
  for (const std::uint32_t index : ended) report(index);
  for (plan::Exit& exit : std::exchange(refused_, {})) listener->on_exit(std::move(exit));
}

void LocalExecutor::Impl::keep_output(std::uint32_t index) {
  AttemptSlot& slot = at(index);
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

void LocalExecutor::Impl::report(std::uint32_t index) {
  AttemptSlot& slot = at(index);
  cancel_timers(slot);
  keep_output(index);
  if (auto* const entry = table(index); entry != nullptr && slot.state != State::kRetired) *entry = 0;
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
  if (slot.state != State::kRetired) {
    slot.is_fork = false;
    slot.state = State::kFree;
    free_.push_back(index);
  }
  --running;
  listener->on_exit(std::move(exit));
}

// --- cancelling

void LocalExecutor::Impl::cancel_all(plan::Stop how) {
  is_cancelled_ = true;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    AttemptSlot& slot = at(i);
    const bool lives =
        slot.state == State::kStarting || slot.state == State::kRunning || slot.state == State::kDraining;
    if (!lives) continue;
    ask_to_end(i, how == plan::Stop::kGently ? Asked::kTerminate : Asked::kKill);
    if (slot.asked != Asked::kNothing && slot.state != State::kDraining) slot.exit.cancelled = true;
  }
}

void LocalExecutor::Impl::interrupt(plan::JobId job, bool timed_out) {
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    AttemptSlot& slot = at(i);
    if (slot.exit.job != job || slot.state != State::kRunning || slot.asked != Asked::kNothing) continue;
    ask_to_end(i, Asked::kTerminate);
    slot.exit.timed_out = timed_out && slot.asked != Asked::kNothing;
  }
}

void LocalExecutor::Impl::ask_to_end(std::uint32_t index, Asked how) {
  AttemptSlot& slot = at(index);
  if (how == Asked::kTerminate && ending_.front().signal == SIGKILL) how = Asked::kKill;
  if (how <= slot.asked) return;
  // If the job has just ended by itself, and this was not noticed yet, its end is not ours to claim.
  if (slot.state == State::kRunning && !slot.is_fork && slot.asked == Asked::kNothing &&
      os::peek_status(slot.pid))
    return;
  slot.asked = how;
  send(index);
}

// Sends the signal that was asked for. If the pid is not known yet, on_forked() sends it later.
void LocalExecutor::Impl::send(std::uint32_t index) {
  AttemptSlot& slot = at(index);
  int group = slot.pid;
  if (group < 0 && watchdog_ != nullptr) group = watchdog_->slot(index).load();
  const bool kill_it = slot.asked == Asked::kKill;
  const int signal = kill_it ? SIGKILL : ending_[slot.step].signal;
  // The evaluator's answer can come before its child has made itself leader of a group.
  if (group > 1 && !os::signal_group(group, signal) && slot.is_fork && slot.state != State::kDraining) {
    ::kill(group, signal);
  }
  loop_.cancel(std::exchange(slot.grace, 0));
  if (!kill_it) {
    slot.grace = loop_.after(ending_[slot.step].wait_s, [this, index] { next_step(index); });
    return;
  }
  slot.killed = os::monotonic_seconds();
  if (slot.is_fork && slot.state != State::kDraining) {
    slot.grace = loop_.after(kSettle_s, [this, index] { give_up_on_fork(index); });
  }
}

void LocalExecutor::Impl::next_step(std::uint32_t index) {
  AttemptSlot& slot = at(index);
  slot.grace = 0;
  ++slot.step;
  if (slot.step >= ending_.size() || ending_[slot.step].signal == SIGKILL) {
    ask_to_end(index, Asked::kKill);
  } else {
    send(index);
  }
}

// The evaluator does not say how its child ended, or whether there was one. The run must not wait for that.
void LocalExecutor::Impl::give_up_on_fork(std::uint32_t index) {
  AttemptSlot& slot = at(index);
  slot.grace = 0;
  if (slot.pid < 0 && watchdog_ != nullptr && watchdog_->slot(index) > 1)
    os::signal_group(watchdog_->slot(index), SIGKILL);
  slot.exit.status = -1;
  slot.exit.signal = SIGKILL;
  slot.exit.usage.wall_s = os::monotonic_seconds() - slot.started;
  slot.state = State::kRetired;
  report(index);
}

}  // namespace furrow::exec
