// Runs the jobs of a graph on an executor until all are done, or until no further job can or may start.
//
// One round of the loop:
//   1. Attempts that have ended are settled: the source checks and records them, and the job is done, retried
//      or failed. An attempt whose outputs are not visible yet keeps its share of the budget and is checked
//      again a moment later.
//   2. If few jobs wait, the source adds more. For the jobs that became ready it says what resources they
//      need, and they enter the queue.
//   3. Jobs are picked, best first, as long as their demands fit. A picked job holds its share of the budget.
//   4. Picked jobs whose launch has arrived are marked as starting.
//   5. One commit records all of this, then the marked jobs start.
//   6. The launches of upcoming jobs are requested, so that the next free core does not wait for an answer.
//   7. The next jobs are prefetched, so that between the end of one job and the start of the next the farm
//      only has to record the two.
//   8. The loop waits for an event.
//
// States of a run:
//   running -> over
//   running -> winding down -> over   a job failed without keep_going: nothing starts, running jobs may end
//   running -> stopping -> over       a signal or failed commit: nothing starts, running jobs are cancelled or
//                                     left
//
// States of a job in addition to those of JobGraph: a ready job is new, queued or picked; its launch is not
// requested, requested or available.
//
// The jobs of a gang (JobGraph::Gang) are picked, started, settled and retried as one: RunningGang. Their first job stands for
// them in the queue, with what all of them need together.
//
// A job that asks for more of a resource than the run has gets all of it, as in Snakemake. Not thread-safe.
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

// Delays the next job although there is room for it: to space out starts, or while memory is short.
class Throttle {
 public:
  virtual ~Throttle() = default;
  // 0: a job may start now, and will. Otherwise: how long to wait before asking again.
  virtual double hold_s(std::size_t running) = 0;
};

struct FarmOptions {
  bool keep_going = false;     // after a failure, still run the jobs that do not depend on it
  std::size_t lookahead = 64;  // how many launches to request in advance
  double timeout_s = 0;        // for each attempt; 0: none
  // On SIGHUP, which a lost connection sends, jobs that can do so go on without the engine.
  bool leaves_on_hangup = false;
  bool erase_ended = false;      // remove ended jobs from the graph: no later job will depend on them
  Throttle* throttle = nullptr;  // borrowed
};

struct Summary {
  std::size_t total = 0;  // jobs to run, including those added during the run
  std::size_t done = 0;
  std::size_t failed = 0;
  std::size_t skipped = 0;    // depend on a failed job
  std::size_t cancelled = 0;  // were running when the run was stopped
  std::size_t left = 0;       // go on without the engine
  std::size_t unstarted = 0;  // could have run, but the run ended first
  int signal = 0;             // the signal that stopped the run; 0: none
  double wall_s = 0;
  double core_s = 0;  // sum over all attempts of wall time times cores
  // what ended the whole run (the store cannot be written, jobs depend on each other in a cycle)
  std::optional<Error> error{};
  bool ok() const { return done == total && signal == 0 && !error; }
};

class Farm {
 public:
  // The references are borrowed for the Farm's lifetime; the budget belongs to this run.
  Farm(plan::JobGraph& graph, plan::Resources& resources, plan::Budget budget, plan::Executor& executor,
       plan::JobSource& source, os::EventLoop& loop, FarmOptions options = {});
  ~Farm();
  Farm(const Farm&) = delete;
  Farm& operator=(const Farm&) = delete;

  void add_sink(plan::EventSink* sink);  // borrowed; sinks are called in the order added
  Summary run();                         // call once

  // Call from a callback of the loop. After the first call nothing new starts and running jobs are asked to
  // end (or left, see FarmOptions::leaves_on_hangup); a further call ends them at once.
  void stop(int signal);

  // The same for a reason other than a signal: nothing new starts. With `at_once`, running jobs are also
  // asked to end.
  void halt(bool at_once);

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

}  // namespace furrow::farm
