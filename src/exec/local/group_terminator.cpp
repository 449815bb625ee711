#include "exec/local/group_terminator.hpp"

#include <signal.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/log.hpp"
#include "os/events/clock.hpp"
#include "os/process/marked_processes.hpp"
#include "os/process/process.hpp"

namespace furrow::exec {

namespace {

using State = AttemptSlot::State;

constexpr double kLookAgain_s = 0.002;  // between two looks at groups that are being ended
constexpr double kSettle_s = 0.3;       // how long to wait for a group, or for a fork's answer, after SIGKILL

}  // namespace

GroupTerminator::GroupTerminator(os::EventLoop& loop, std::vector<LocalOptions::Step> steps, OnGone on_gone)
    : loop_(loop), steps_(std::move(steps)), on_gone_(std::move(on_gone)) {}

GroupTerminator::~GroupTerminator() { loop_.cancel(look_timer_); }

// --- signals

void GroupTerminator::ask_to_end(AttemptSlot& slot, Asked how) {
  if (how == Asked::kTerminate && steps_.front().signal == SIGKILL) how = Asked::kKill;
  if (how <= slot.asked) return;
  // If the job has just ended by itself, and this was not noticed yet, its end is not ours to claim.
  if (slot.state == State::kRunning && !slot.is_fork && slot.asked == Asked::kNothing &&
      os::peek_status(slot.pid))
    return;
  slot.asked = how;
  send(slot);
}

void GroupTerminator::send(AttemptSlot& slot) {
  int group = slot.pid;
  if (group < 0 && slot.watched != nullptr) group = slot.watched->load();
  const bool kill_it = slot.asked == Asked::kKill;
  const int signal = kill_it ? SIGKILL : steps_[slot.step].signal;
  FURROW_LOG(exec, info, "process group {} of job {} gets signal {}", group, slot.exit.job, signal);
  // The evaluator's answer can come before its child has made itself leader of a group.
  if (group > 1 && !os::signal_group(group, signal) && slot.is_fork && slot.state != State::kDraining) {
    ::kill(group, signal);
  }
  if (!slot.mark.empty()) os::signal_marked(slot.mark, signal);
  loop_.cancel(std::exchange(slot.grace, 0));
  if (!kill_it) {
    slot.grace = loop_.after(steps_[slot.step].wait_s, [this, &slot] { next_step(slot); });
    return;
  }
  slot.killed = os::monotonic_seconds();
  if (slot.is_fork && slot.state != State::kDraining) {
    slot.grace = loop_.after(kSettle_s, [this, &slot] { give_up_on_fork(slot); });
  }
}

void GroupTerminator::next_step(AttemptSlot& slot) {
  slot.grace = 0;
  ++slot.step;
  if (slot.step >= steps_.size() || steps_[slot.step].signal == SIGKILL) {
    ask_to_end(slot, Asked::kKill);
  } else {
    send(slot);
  }
}

// The evaluator does not say how its child ended, or whether there was one. The run must not wait for that.
void GroupTerminator::give_up_on_fork(AttemptSlot& slot) {
  slot.grace = 0;
  if (slot.pid < 0 && slot.watched != nullptr && *slot.watched > 1) os::signal_group(*slot.watched, SIGKILL);
  slot.exit.status = -1;
  slot.exit.signal = SIGKILL;
  slot.exit.usage.wall_s = os::monotonic_seconds() - slot.started;
  slot.state = State::kRetired;
  on_gone_(slot);
}

// --- waiting for groups

void GroupTerminator::drain(AttemptSlot& slot) {
  slot.state = State::kDraining;
  draining_.push_back(&slot);
  if (slot.asked == Asked::kNothing) ask_to_end(slot, Asked::kKill);
  look_again_in(kLookAgain_s);
}

// Looks at all groups together, since thousands of jobs may be cancelled at once.
void GroupTerminator::look_at_groups() {
  look_timer_ = 0;
  const double now = os::monotonic_seconds();
  std::vector<int> groups;
  for (const AttemptSlot* slot : draining_) groups.push_back(slot->pid);
  const std::vector<int> living = os::living_groups(std::move(groups));
  const std::set<std::string_view> marked = living_marks();
  const auto is_gone = [&](const AttemptSlot* slot) {
    const bool patience_ends = slot->asked == Asked::kKill && now > slot->killed + kSettle_s;
    const bool lives =
        std::binary_search(living.begin(), living.end(), slot->pid) || marked.contains(slot->mark);
    return patience_ends || !lives;
  };
  const auto first_gone = std::stable_partition(draining_.begin(), draining_.end(), std::not_fn(is_gone));
  const std::vector<AttemptSlot*> gone(first_gone, draining_.end());
  draining_.erase(first_gone, draining_.end());
  if (!draining_.empty()) look_again_in(std::max(kLookAgain_s, 4 * (os::monotonic_seconds() - now)));
  for (AttemptSlot* slot : gone) on_gone_(*slot);
}

// Those of draining attempts with which a process is alive.
std::set<std::string_view> GroupTerminator::living_marks() const {
  std::vector<std::string_view> marks;
  for (const AttemptSlot* slot : draining_)
    if (!slot->mark.empty()) marks.push_back(slot->mark);
  const std::vector<std::vector<int>> pids = os::marked_processes(marks);
  std::set<std::string_view> living;
  for (std::size_t i = 0; i < marks.size(); ++i)
    if (!pids[i].empty()) living.insert(marks[i]);
  return living;
}

void GroupTerminator::look_again_in(double delay_s) {
  if (look_timer_ == 0) look_timer_ = loop_.after(delay_s, [this] { look_at_groups(); });
}

}  // namespace furrow::exec
