// Jobs and the jobs they depend on: plain data between planning and running.
//
// A job is added once, then its dependencies. It is *waiting* until all of those are done, then *ready*, then
// *running*, and at last *done* or *failed*; it is *skipped* if a job it depends on failed. The graph may
// grow while it runs, and jobs that have ended may be erased. A waiting job may be *held* until more is known of what it
// depends on; a job that has not started may be dropped, as if it were done. Jobs that run at once are bound to a gang: they
// become ready together, and what is ready is the first of them, which stands for all. Not thread-safe; owned by the code
// that drives the run.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plan/id_table.hpp"
#include "plan/resources.hpp"

namespace furrow::plan {

using JobId = std::uint32_t;
constexpr JobId kNoJob = 0xffffffffu;

using BarrierId = std::uint32_t;

enum class JobState : std::uint8_t { kWaiting, kReady, kRunning, kDone, kFailed, kSkipped };

struct Job {
  DemandId demand = 0;        // known once the job is ready: see JobSource::demands
  std::int32_t priority = 0;  // higher starts first
  // length of the longest chain of jobs that wait for this one; among equals the deeper job starts first
  std::uint32_t depth = 0;
  std::uint16_t retries = 0;  // attempts after the first
  bool urgent = false;        // starts before all jobs that are not (the user asked to prioritize it)
};

class JobGraph {
 public:
  JobId add(const Job& job);
  // Call before JOB has started; a ready job waits again. If ON is done, it changes nothing; if ON has failed, JOB will
  // never run (take_doomed).
  void depend(JobId job, JobId on);

  // The job, which has not started, waits until resume(), whatever it depends on.
  void hold(JobId job);
  void resume(JobId job);  // if nothing else blocks it, take_ready() returns it next
  // The job, which has not started, will not run. What waits for it need not do so any longer.
  void drop(JobId job);
  std::size_t dropped() const { return dropped_; }
  // Skips the jobs that were made to depend on jobs that will never run. They are appended to `skipped`.
  void take_doomed(std::vector<JobId>& skipped);

  // Jobs that become ready together: none of them before everything the barrier waits for is done.
  BarrierId add_barrier();
  void barrier_waits_for(BarrierId barrier, JobId on);  // call before `on` has started
  void wait_at_barrier(JobId job, BarrierId barrier);   // call after all barrier_waits_for calls

  // Jobs that run at once, each after those whose outputs it uses while they run.
  struct Gang {
    std::vector<JobId> jobs;
    std::vector<std::pair<JobId, JobId>> serves;  // a job that runs as long as the other needs it
    std::size_t waiting = 0;                      // how many of them are not ready
  };
  // The jobs of GANG start together. Its first job gets the best rank among them. Call before all of them are ready; a
  // job that was in another gang leaves it.
  void bind(Gang gang);
  const Gang* gang(JobId job) const;  // null: the job runs alone
  // Whether the job may start: for one of a gang, whether all of them may.
  bool is_ready(JobId job) const;

  // Marks the jobs that wait for nothing as ready, and returns them in order of their ids. Looks at each job
  // once: call it when a batch of jobs and their dependencies are complete.
  std::vector<JobId> take_ready();

  void start(JobId job);
  void set_demand(JobId job, DemandId demand) { nodes_[job].job.demand = demand; }
  void retry(JobId job);  // running -> ready
  // The job is done. Jobs that waited only for it become ready and are appended to `ready`.
  void finish(JobId job, std::vector<JobId>& ready);
  // The job has failed and is not retried. Jobs that cannot run because of it are appended to `skipped`.
  void fail(JobId job, std::vector<JobId>& skipped);

  // Removes a done, failed or skipped job and frees its memory. Its id must not be used afterwards.
  void erase(JobId job) { nodes_.erase(job); }

  const Job& job(JobId id) const { return nodes_[id].job; }
  JobState state(JobId id) const { return nodes_[id].state; }
  std::size_t size() const { return nodes_.size(); }
  std::size_t unfinished() const { return unfinished_; }  // waiting, ready or running

 private:
  static constexpr std::uint32_t kNoEdge = 0xffffffffu;
  struct Node {
    Job job;
    std::uint32_t blockers = 0;          // jobs it still waits for
    std::uint32_t first_edge = kNoEdge;  // its dependents, as a list through edges_
    JobState state = JobState::kWaiting;
  };
  struct Edge {
    JobId dependent;  // or a barrier, with kBarrierMark
    std::uint32_t next;
  };
  struct Barrier {
    std::uint32_t blockers = 0;
    std::vector<JobId> jobs;
  };
  static constexpr JobId kBarrierMark = 0x80000000u;

  void add_edge(JobId on, JobId dependent);
  Gang* gang_of(JobId job) const;
  void make_ready(JobId job, std::vector<JobId>& ready);
  void mark_skipped(JobId job, std::vector<JobId>& skipped, std::vector<JobId>& stack);
  void release(JobId dependent, std::vector<JobId>& ready);
  void skip_behind(std::vector<JobId>& skipped, std::vector<JobId>& stack);
  void skip(JobId dependent, std::vector<JobId>& skipped, std::vector<JobId>& stack);

  IdTable<Node> nodes_;
  std::vector<Edge> edges_;
  std::vector<Barrier> barriers_;
  std::unordered_map<JobId, std::shared_ptr<Gang>> gangs_;
  std::size_t unfinished_ = 0;
  JobId first_untaken_ = 0;  // jobs below this id were looked at by take_ready
  std::vector<JobId> resumed_, doomed_;
  std::size_t dropped_ = 0;
};

}  // namespace furrow::plan
