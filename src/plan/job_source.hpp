// The interface between the farm, which runs jobs, and the code that knows what the jobs are: a workflow, or
// a command template and its inputs.
//
// Called from the run's only thread. In each round all `on_success` and `before_start` calls come before one
// `commit`, and the attempts start only after it. So no job runs whose start is not recorded, and no core
// gets its next job before the end of the last one is recorded, at the cost of one transaction a round.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/executor.hpp"
#include "plan/job_graph.hpp"

namespace furrow::plan {

class PrepareListener {
 public:
  virtual ~PrepareListener() = default;
  virtual void on_prepared(JobId job, int attempt, Result<Launch> launch) = 0;
};

// How a job is shown to the user.
struct JobName {
  std::string rule;       // or the command template
  std::string wildcards;  // "sample=a, lane=2"; may be empty
};

class JobSource {
 public:
  virtual ~JobSource() = default;

  // A job is prepared in two stages: prepare() and prefetch() ahead of time, while other jobs run, and
  // before_start() right before it starts. A source that knows at once what to execute answers false here: the
  // first stage is left out, and before_start() gets an empty launch to fill in.
  virtual bool prepares_ahead() const { return false; }
  virtual void set_prepare_listener(PrepareListener* /*listener*/) {}  // borrowed

  // Asks what to execute for each job. The answers reach the listener during the call or later from the event
  // loop, in any order.
  virtual void prepare(std::span<const JobId> /*jobs*/, int /*attempt*/) {}

  // The resources that each job's next attempt needs, in the same order. Called when jobs have become ready
  // (so that a function can look at their inputs), once a round for all of them, and again before a retry. An
  // error fails that job.
  virtual std::vector<Result<DemandId>> demands(std::span<const JobId> jobs, int attempt) = 0;

  // The job will probably start next, and its launch was answered already. While all cores are busy the
  // source can do here what takes time, as long as nothing remains of it if the job does not start.
  virtual void prefetch(JobId /*job*/, int /*attempt*/) {}

  // Checks that the job may start, creates folders and records the attempt as started. Fills in the launch, or
  // changes what was prepared (for example the folder it runs in).
  virtual Result<void> before_start(JobId job, int attempt, Launch& launch) = 0;
  // Removes old outputs. Called when the start is committed and nothing is left but to hand the job to the
  // executor. An error means that it does not start.
  virtual Result<void> clear_outputs(JobId /*job*/) { return {}; }
  // Whether an attempt that succeeded should not be settled yet, because its outputs are not visible on the
  // file system. Asked again a little later, as long as the answer is yes.
  virtual bool outputs_pending(const Exit& /*exit*/) { return false; }
  // Whether an attempt that succeeded is to be run once more before it is settled. The launch is then asked for again.
  virtual bool runs_again(const Exit& /*exit*/) { return false; }
  // Checks the outputs of an attempt that succeeded; called before on_success(). An error means that the job has failed
  // after all. Nothing that the job, or one with which it runs at once, would need to run again is changed.
  virtual Result<void> check_outputs(const Exit& /*exit*/) { return {}; }
  // Whether what a running job offers to those that run at the same time is there.
  virtual bool is_up(JobId /*service*/) { return true; }
  // Records the outputs. An error means that the job has failed after all.
  virtual Result<void> on_success(const Exit& exit) = 0;
  // Removes the outputs and records the failure.
  virtual void on_failure(const Exit& exit, bool will_retry) = 0;
  virtual Result<void> commit() = 0;

  virtual JobName name(JobId job) const = 0;

  // For sources that do not know all jobs from the start: adds up to `count` jobs to the graph, as many as
  // are known without waiting. False once no further jobs will come. Called in each round in which fewer jobs
  // wait than FarmOptions::lookahead, so that input is read no faster than jobs run.
  virtual bool add_jobs(std::size_t /*count*/) { return false; }
  // For sources that learn of more jobs when others end: changes the graph by what the ends of this round have shown.
  // Returns jobs that turn out to be impossible; an error ends the run.
  struct Impossible {
    JobId job;
    Error error;
  };
  virtual Result<std::vector<Impossible>> grow() { return std::vector<Impossible>(); }
  // In how many seconds to call grow() even if no job ends until then; 0: not at all. As long as it is not 0, a run is not
  // over.
  virtual double grows_in_s() { return 0; }
};

}  // namespace furrow::plan
