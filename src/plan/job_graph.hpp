// Jobs and what they wait for: plain data between planning and running.
//
// A job is added once, with its demands and the jobs it depends on; it is *waiting* until all of those are
// done, then *ready*, *running*, and at last *done* or *failed* (or *skipped*, when something it depends on
// failed). The graph may grow while it runs, and jobs that have ended may leave it. Not thread-safe; owned by
// whoever drives the run.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plan/id_table.hpp"
#include "plan/resources.hpp"

namespace furrow::plan {

using JobId = std::uint32_t;
constexpr JobId kNoJob = 0xffffffffu;

using GateId = std::uint32_t;

enum class JobState : std::uint8_t { kWaiting, kReady, kRunning, kDone, kFailed, kSkipped };

struct Job {
  DemandId demand = 0;        // known once the job is ready: see JobSource::demands
  std::int32_t priority = 0;  // higher starts first
  std::uint32_t depth = 0;  // longest chain of jobs that wait for this one; deeper starts first among equals
  std::uint16_t retries = 0;  // attempts after the first
  bool urgent = false;        // start before all that is not (user asked to prioritize)
};

class JobGraph {
 public:
  JobId add(const Job& job);
  void depend(JobId job, JobId on);  // before either has started

  // Jobs that become ready together: none of them before all that the gate waits for is done.
  GateId add_gate();
  void hold(GateId gate, JobId on);     // before ON has started
  void behind(JobId job, GateId gate);  // once all that the gate waits for was told

  // Jobs that wait for nothing, in order of their ids; marks them ready. Call once all of a batch are added.
  std::vector<JobId> take_ready();

  void start(JobId job);
  void set_demand(JobId job, DemandId demand) { nodes_[job].job.demand = demand; }
  void retry(JobId job);  // running -> ready
  // The job is done; appends to READY those that waited for it last, and marks them so.
  void finish(JobId job, std::vector<JobId>& ready);
  // The job failed for good; appends to SKIPPED all that cannot run because of it.
  void fail(JobId job, std::vector<JobId>& skipped);

  // A done, failed or skipped job leaves: nobody names it any more, and its memory is used for others.
  void leave(JobId job) { nodes_.leave(job); }

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
    JobId dependent;  // or a gate, with kGateMark
    std::uint32_t next;
  };
  struct Gate {
    std::uint32_t blockers = 0;
    std::vector<JobId> jobs;
  };
  static constexpr JobId kGateMark = 0x80000000u;

  void add_edge(JobId on, JobId dependent);
  void release(JobId dependent, std::vector<JobId>& ready);
  void skip(JobId dependent, std::vector<JobId>& skipped, std::vector<JobId>& stack);

  IdTable<Node> nodes_;
  std::vector<Edge> edges_;
  std::vector<Gate> gates_;
  std::size_t unfinished_ = 0;
  JobId first_untaken_ = 0;  // jobs below this id were looked at by take_ready
};

}  // namespace furrow::plan
