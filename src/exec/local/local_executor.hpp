// Runs attempts as processes of this machine: programs, shell commands, and children that the evaluator
// forks.
//
// Each attempt is a process group of its own with /dev/null as standard input; what it prints goes through
// pipes, which the loop reads, and is shown whole when it ends. The states of an attempt:
//
//   starting --(pid known)--> running --(leader ended)--> draining --(group empty)--> reported
//       |                        |  cancel, timeout: SIGTERM, after the grace SIGKILL     ^
//       +--(cannot start)--------+--------------------------------------------------------+
//
// - starting: only while the evaluator forks. A cancel is remembered and carried out as soon as the pid is
//   known, from the answer or from the guard's table.
// - running: from start() on for a program, though its process may not have executed it yet. That it cannot
//   be executed shows when the process has ended; then it is started once more, by the shell where there is
//   one, and that is waited for, so that what is wrong is told.
// - draining: only after a failure, a cancel or a timeout: what is left of the group is ended and waited for,
//   so that nothing of it writes beside a later attempt. Its output is read on. What a job that ended well
//   leaves running is none of our business: what it prints from then on is read and thrown away, and once the
//   executor is gone its writes fail with EPIPE.
// - reported: with what was in the pipes by then.
// - The guard's slot holds the group from before exec until the leader is about to be reaped (or the drained
//   group is gone), so that the guard never sees a number that may belong to somebody else.
//
// While it lives, this process may open more descriptors (DescriptorLimit); jobs see the limit as it was.
//
// Shutdown: cancel_all(), run the loop until running() is 0, destroy. Destroyed earlier, it kills what runs
// and reports nothing. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "exec/output/output_sink.hpp"
#include "os/events/event_loop.hpp"
#include "os/process/guard.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

struct LocalOptions {
  std::size_t max_running = 65536;  // lowered to what descriptors and guard slots allow
  double grace_s = 0.4;             // between SIGTERM and SIGKILL
  struct Step {
    int signal;
    double wait_s;  // then the next step
  };
  std::vector<Step> ending{};  // what a job that is to end is sent, and at last SIGKILL; empty: SIGTERM
  std::string scratch{};       // existing folder for long output and long commands, on a disk; empty: /tmp
};

class LocalExecutor : public plan::Executor {
 public:
  // All borrowed. Without a guard nothing ends the jobs of a killed engine; without forks a kFork attempt
  // fails; without a sink output is kept for Exit::output only.
  LocalExecutor(os::EventLoop& loop, os::Guard* guard, plan::ForkService* forks, OutputSink* sink,
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
