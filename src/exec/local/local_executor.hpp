// Runs attempts as processes on this machine: programs, shell commands and forks of the evaluator.
//
// Each attempt is a process group of its own with /dev/null as standard input. Its output goes through pipes,
// which the loop reads, and is shown as a whole when the attempt ends. The states of an attempt:
//
//   starting --(pid known)--> running --(leader ended)--> draining --(group empty)--> reported
//       |                        |  cancel, timeout: SIGTERM, after the grace SIGKILL     ^
//       +--(cannot start)--------+--------------------------------------------------------+
//
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

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "exec/output/output_sink.hpp"
#include "os/events/event_loop.hpp"
#include "os/process/watchdog.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

struct LocalOptions {
  std::size_t max_running = 65536;  // lowered to what descriptors and watchdog slots allow
  double grace_s = 0.4;             // between SIGTERM and SIGKILL
  struct Step {
    int signal;
    double wait_s;  // until the next step
    bool operator==(const Step&) const = default;
  };
  std::vector<Step> ending{};  // the signals that end a job, before a last SIGKILL; empty: SIGTERM
  std::string scratch{};       // existing folder on a disk for long output and long commands; empty: /tmp
};

class LocalExecutor : public plan::Executor {
 public:
  // All borrowed. Without a watchdog the jobs of a killed engine go on running. Without a fork service a
  // kFork attempt fails. Without a sink, output is kept only for Exit::output.
  LocalExecutor(os::EventLoop& loop, os::Watchdog* watchdog, plan::ForkService* forks, OutputSink* sink,
                LocalOptions options);
  ~LocalExecutor() override;

  void set_listener(plan::ExitListener* listener) override;
  std::size_t max_running() const override;
  void start(plan::Attempt attempt) override;
  std::size_t running() const override;
  void cancel_all(plan::Stop how) override;
  void interrupt(plan::JobId job, bool timed_out) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace furrow::exec
