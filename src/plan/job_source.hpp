// The seam between the farm, which drives jobs, and whoever knows what a job is (a workflow, a command line
// and its inputs).
//
// Called from the run's one thread. All of a round's `finished` and `starting` calls come before one
// `commit`, and the attempts are started only after it: so nothing runs that is not recorded as started, and
// no core gets its next job before the last one on it is recorded as finished, at the price of one
// transaction a round.
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

// How a job is named to people.
struct JobName {
  std::string rule;       // or the command template
  std::string wildcards;  // "sample=a, lane=2"; may be empty
};

class JobSource {
 public:
  virtual ~JobSource() = default;
  virtual void set_prepare_listener(PrepareListener* listener) = 0;  // borrowed

  // Asks what to execute for each; answers reach the listener now or from the event loop, in any order.
  virtual void prepare(std::span<const JobId> jobs, int attempt) = 0;

  // What each job's next attempt asks for, in the same order: asked when jobs have become ready (their inputs
  // are there now, and a function may look at them), all of a round in one call, and again before a retry. An
  // error fails that job.
  virtual std::vector<Result<DemandId>> demands(std::span<const JobId> jobs, int attempt) = 0;

  // The job will probably start next: what takes time and leaves nothing behind, should it not, can be done
  // now, while all cores are busy. Its launch was answered already.
  virtual void get_ready(JobId /*job*/, int /*attempt*/) {}

  // Folders made, old outputs gone, recorded as started. May still change what is executed (the folder it
  // runs in).
  virtual Result<void> starting(JobId job, int attempt, Launch& launch) = 0;
  // Whether an attempt that ended well should not be settled yet, since a file system shows its outputs late.
  // It is asked again a little later, as long as the answer is yes.
  virtual bool is_late(const Exit& /*exit*/) { return false; }
  virtual Result<void> finished(
      const Exit& exit) = 0;  // outputs checked and recorded; an error means the job failed after all
  virtual void failed(const Exit& exit, bool will_retry) = 0;  // its outputs removed, the failure recorded
  virtual Result<void> commit() = 0;

  virtual JobName name(JobId job) const = 0;

  // Where not all jobs are known from the start: adds up to COUNT to the graph, as many as it knows without
  // waiting. False once no more will come. Called in each round in which fewer wait than the farm looks
  // ahead, so that input is read no faster than jobs run.
  virtual bool add_jobs(std::size_t /*count*/) { return false; }
};

}  // namespace furrow::plan
