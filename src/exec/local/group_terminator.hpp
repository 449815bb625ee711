// Ends the process groups of attempts: sends the signals one after the other, and waits until nothing of the
// groups is left.
//
// The end of a group, once it has been asked to end:
//
//   first signal --(its wait)--> next signal ... --(its wait)--> SIGKILL --> gone
//
// - A group whose leader has ended is passed to drain(): it is gone when no process of it lives, or a moment
//   after SIGKILL.
// - Processes that left the group, but have the mark of the attempt (os::kMarkVariable), are treated as members of it.
// - The leader of a fork is reaped by the evaluator, which reports its end. If that report does not come a
//   moment after SIGKILL, the attempt is given up.
//
// Borrows the slots; cancel their `grace` timers before this object is destroyed. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string_view>
#include <vector>

#include "exec/local/attempt_slot.hpp"
#include "exec/local/local_options.hpp"
#include "os/events/event_loop.hpp"

namespace furrow::exec {

class GroupTerminator {
 public:
  // Called with an attempt that is to be reported: its group is gone, or it was given up (kRetired).
  using OnGone = std::function<void(AttemptSlot& slot)>;

  // `steps` are the signals before SIGKILL, at least one.
  GroupTerminator(os::EventLoop& loop, std::vector<LocalOptions::Step> steps, OnGone on_gone);
  ~GroupTerminator();
  GroupTerminator(const GroupTerminator&) = delete;
  GroupTerminator& operator=(const GroupTerminator&) = delete;

  // Sets slot.asked, unless the attempt was asked as much before or has just ended by itself.
  void ask_to_end(AttemptSlot& slot, Asked how);
  // Sends the signal that was asked for. If the pid is not known yet, call this again once it is.
  void send(AttemptSlot& slot);
  void drain(AttemptSlot& slot);

 private:
  void next_step(AttemptSlot& slot);
  void give_up_on_fork(AttemptSlot& slot);
  void look_at_groups();
  std::set<std::string_view> living_marks() const;
  void look_again_in(double delay_s);

  os::EventLoop& loop_;
  const std::vector<LocalOptions::Step> steps_;
  const OnGone on_gone_;
  std::vector<AttemptSlot*> draining_;  // slots in state kDraining
  std::uint64_t look_timer_ = 0;
};

}  // namespace furrow::exec
