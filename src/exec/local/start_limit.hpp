// How many attempts run at a time, after the system has refused to start one for the moment: EAGAIN, EMFILE,
// ENFILE and ENOMEM pass once others have ended.
//
// After a refusal half as many may run as did then, since jobs start processes of their own. When so many have
// ended without a further refusal, one more may run. If nothing runs, and the system still refuses after
// kPatience_s, waiting is no use.
#pragma once

#include <cstddef>

namespace furrow::exec {

class StartLimit {
 public:
  static constexpr double kPatience_s = 30;
  static constexpr double kPause_s = 0.1;  // between two tries, if no attempt ends

  explicit StartLimit(std::size_t most) : most_(most), allowed_(most) {}

  std::size_t allowed() const { return allowed_; }  // at least 1
  // A start was refused while RUNNING attempts ran. NOW: monotonic seconds.
  void refused(std::size_t running, double now);
  void started();
  void ended();
  // Whether a start that was refused is given up.
  bool gives_up(std::size_t running, double now) const;

  // Whether the error passes.
  static bool is_passing(int code);

 private:
  const std::size_t most_;
  std::size_t allowed_;
  std::size_t ended_ = 0;  // since allowed_ has changed
  // Since when starts were refused although nothing ran; negative: that is not so.
  double idle_since_ = -1;
};

// How many attempts the limits of processes leave room for, those of the user and of the control groups. An
// attempt often has two or three.
std::size_t attempts_in_process_limit();

}  // namespace furrow::exec
