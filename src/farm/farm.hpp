// Drives the jobs of a graph over an executor until all are done, or no more can or may run.
//
// One round of the loop:
//   1. ended attempts are settled: checked and recorded by the source, retried or failed; one whose outputs
//      show late keeps its share of the budget and is looked at again in a moment
//   2. the source adds jobs where few wait; those that became ready are admitted: it says what they need
//   3. jobs are picked, best first, while their demands fit; from then on they hold their share of the budget
//   4. picked jobs whose launch has come are marked as starting
//   5. one commit for all of this, then they start
//   6. launches of upcoming jobs are asked for, so that the next free core need not wait for an answer
//   7. the jobs that come next are got ready, so that between the end of a job and the next start only that
//   is
//      left which has to be: to record the end and the start
//   8. the loop waits for something to happen
//
// States of a run:
//   running -> winding down (a job failed without keep_going: nothing new starts, what runs may end) -> over
//           -> stopping (a signal, or a commit that failed: nothing new starts, what runs is cancelled)
//           -> over
//
// States of a job beyond those of JobGraph: a ready job is new, queued or picked; its launch is unasked,
// asked or here.
//
// A job that asks for more of a resource than there is gets all there is, as in Snakemake. Not thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "os/events/event_loop.hpp"
#include "plan/event.hpp"
#include "plan/executor.hpp"
#include "plan/job_graph.hpp"
#include "plan/job_source.hpp"
#include "plan/resources.hpp"

namespace furrow::farm {

// Holds up the next job although there is room for it: a pause between two starts, too little memory.
class StartGate {
 public:
  virtual ~StartGate() = default;
  // 0: a job may start now, and does; else how long to wait before it is worth asking again.
  virtual double hold_s(std::size_t running) = 0;
};

struct FarmOptions {
  bool keep_going = false;    // run what does not depend on a failed job
  std::size_t prefetch = 64;  // launches to ask for ahead
  double timeout_s = 0;       // for each attempt; 0: none
  bool ended_leave = false;   // jobs that have ended leave the graph: nobody depends on them later
  StartGate* gate = nullptr;  // borrowed
};

struct Summary {
  std::size_t total = 0;  // jobs to run, those added on the way included
  std::size_t done = 0;
  std::size_t failed = 0;
  std::size_t skipped = 0;    // depend on a failed job
  std::size_t cancelled = 0;  // were running when the run was stopped
  std::size_t unstarted = 0;  // could have run, but the run ended before
  int signal = 0;             // what stopped the run; 0: nothing
  double wall_s = 0;
  double core_s = 0;  // time of all attempts, each times its cores
  // what ended the run as a whole (the store cannot write, jobs wait in a circle)
  std::optional<Error> error{};
  bool ok() const { return done == total && signal == 0 && !error; }
};

class Farm {
 public:
  // All borrowed for the Farm's life. BUDGET is this run's own.
  Farm(plan::JobGraph& graph, plan::Resources& resources, plan::Budget budget, plan::Executor& executor,
       plan::JobSource& source, os::EventLoop& loop, FarmOptions options = {});
  ~Farm();
  Farm(const Farm&) = delete;
  Farm& operator=(const Farm&) = delete;

  void add_sink(plan::EventSink* sink);  // borrowed; told in the order added
  Summary run();                         // once

  // From a callback of the loop: the first call starts nothing new and asks running jobs to end, further ones
  // end them at once.
  void stop(int signal);

  // Likewise, for a reason that is no signal: starts nothing new; AT_ONCE: what runs is asked to end, too.
  void halt(bool at_once);

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

}  // namespace furrow::farm
