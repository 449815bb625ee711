// Runs attempts as processes on this machine: programs, shell commands and forks of the evaluator.
//
// Each attempt is a process group of its own with /dev/null as standard input. Its output goes through pipes,
// which the loop reads, and is shown as a whole when the attempt ends. The states of an attempt:
//
//   postponed <--(no process to be had now)--> (start)
//   starting --(pid known)--> running --(leader ended)--> draining --(group empty)--> reported
//       |                        |  cancel, timeout: SIGTERM, after the grace SIGKILL     ^
//       +--(cannot start)--------+--------------------------------------------------------+
//
// - postponed: the system has no process, descriptor or memory for it at this moment. It is started when other
//   attempts have ended, and fewer run at a time (StartLimit). Its time limit has not begun.
// - starting: only while the evaluator forks. A cancel is remembered and takes effect as soon as the pid is
//   known, from the answer or from the watchdog's table.
// - running: for a program, from start() on, although its process may not have executed it yet. If the
//   program cannot be executed, that shows when the process has ended. It is then started once more, by the
//   shell if the launch has one, and the executor waits for that start, so that the error is reported.
// - draining: only after a failure, a cancel or a timeout. What is left of the group is ended and waited for,
//   so that it does not write at the same time as a later attempt; its output is still read. Processes that a
//   successful job leaves running are left alone: their further output is read and discarded, and once the
//   executor is gone their writes fail with EPIPE.
// - reported: with all output that was in the pipes by then.
// - The watchdog's slot holds the group from before exec until the leader is about to be reaped (or the
//   drained group is gone). So the watchdog never sees a number that another process may have by then.
//
// While it exists, this process may open more descriptors (DescriptorLimit); jobs see the old limit.
//
// Shutdown: cancel_all(), run the loop until running() is 0, destroy. If it is destroyed earlier, it kills
// what runs and reports nothing. Not thread-safe.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "exec/local/attempt_slot.hpp"
#include "exec/local/descriptor_limit.hpp"
#include "exec/local/group_terminator.hpp"
#include "exec/local/launcher.hpp"
#include "exec/local/local_options.hpp"
#include "exec/local/start_limit.hpp"
#include "exec/output/output_sink.hpp"
#include "exec/output/stream_capture.hpp"
#include "os/events/event_loop.hpp"
#include "os/process/watchdog.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

class LocalExecutor final : public plan::Executor, private plan::ForkService::Listener {
 public:
  // All borrowed. Without a watchdog the jobs of a killed engine go on running. Without a fork service a
  // kFork attempt fails. Without a sink, output is kept only for Exit::output.
  LocalExecutor(os::EventLoop& loop, os::Watchdog* watchdog, plan::ForkService* forks, OutputSink* sink,
                LocalOptions options);
  ~LocalExecutor() override;

  void set_listener(plan::ExitListener* listener) override { listener_ = listener; }
  // Fewer while the system refuses to start more.
  std::size_t max_running() const override {
    return postponed_.empty() ? std::min(max_running_, start_limit_.allowed()) : running_;
  }
  void start(plan::Attempt attempt) override;
  std::size_t running() const override { return running_; }
  void cancel_all(plan::Stop how) override;
  void interrupt(plan::JobId job, bool timed_out) override;

 private:
  using State = AttemptSlot::State;

  AttemptSlot* take_slot();  // null: none is left
  AttemptSlot* slot_of(std::uint64_t tag);

  void begin(AttemptSlot& slot);
  void postpone(AttemptSlot& slot);
  void start_postponed();
  void try_postponed_later();
  void abandon_postponed(const Error& error);
  std::size_t live() const { return running_ - postponed_.size() - without_slot_.size(); }
  void end_without_slot(const plan::Attempt& attempt, std::string error);
  Result<void> launch(AttemptSlot& slot);
  Result<void> start_program(AttemptSlot& slot, bool again);
  void start_again(AttemptSlot& slot);
  void cannot_start(AttemptSlot& slot, const Error& error);
  void launch_fork(AttemptSlot& slot, const plan::Launch& launch);
  void on_forked(std::uint64_t tag, Result<int> pid) override;
  void on_fork_exit(std::uint64_t tag, int raw_wait_status, std::string error) override;
  void arm_timeout(AttemptSlot& slot, double seconds);
  void watch_memory(AttemptSlot& slot, double delay_s);

  void on_child_readable(AttemptSlot& slot);
  std::int64_t peak_of(const os::Ended& ended);
  void leader_ended(AttemptSlot& slot, int raw_status);

  void end_later(AttemptSlot& slot);
  void report_soon();
  void report_ended();
  void report(AttemptSlot& slot);
  void keep_output(AttemptSlot& slot);
  void forget_pidfd(AttemptSlot& slot);
  void cancel_timers(AttemptSlot& slot);
  void destroy(AttemptSlot& slot);

  os::EventLoop& loop_;
  os::Watchdog* const watchdog_;
  plan::ForkService* const forks_;
  OutputSink* const sink_;
  plan::ExitListener* listener_ = nullptr;
  const bool one_stream_, has_table_;
  DescriptorLimit limit_;
  const std::size_t max_running_;
  Launcher launcher_;
  CaptureTools tools_;
  GroupTerminator terminator_;
  std::vector<std::unique_ptr<AttemptSlot>> slots_;
  std::vector<AttemptSlot*> free_;        // the slot freed last is used first: its files are warm
  std::vector<AttemptSlot*> ended_;       // attempts that ended inside start(); reported from the loop
  std::vector<plan::Exit> without_slot_;  // to be reported
  std::vector<AttemptSlot*> postponed_;   // the next first
  StartLimit start_limit_;
  std::uint64_t ended_timer_ = 0, postponed_timer_ = 0;
  std::size_t running_ = 0;
  bool is_cancelled_ = false;     // by cancel_all(): no attempt is started again
  std::int64_t own_peak_kb_ = 0;  // the engine's peak memory when last measured; it only grows
};

}  // namespace furrow::exec
