// The gangs of a run, jobs that run at once: what they need together, and those that run (RunningGang). Not thread-safe.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "farm/running_gang.hpp"
#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"
#include "plan/job_graph.hpp"
#include "plan/job_source.hpp"
#include "plan/resources.hpp"

namespace furrow::farm {

class Gangs {
 public:
  using Gang = plan::JobGraph::Gang;
  using Start = RunningGang::Start;

  // Borrows all arguments.
  Gangs(plan::JobGraph& graph, plan::Resources& resources, plan::JobSource& source, plan::Executor& executor,
        os::EventLoop& loop);

  // How many jobs start when JOB does.
  std::size_t size_of(plan::JobId job) const;
  // Whether IS holds for JOB, and for all that run with it.
  template <class Is>
  bool is_for_all(plan::JobId job, Is is) const {
    const Gang* const gang = graph_.gang(job);
    return gang == nullptr ? is(job) : std::all_of(gang->jobs.begin(), gang->jobs.end(), is);
  }
  std::string title(plan::JobId job) const;  // for people

  // What they need together. Running at once is what they are for, so more than there is cannot be cut down.
  // CULPRIT: set to the job whose own demand cannot be known.
  Result<plan::DemandId> demand_of(const Gang& gang, int attempt, const plan::Budget& budget,
                                   plan::JobId& culprit);
  // How those that have not started end if CULPRIT cannot start: the culprit first.
  std::vector<plan::Exit> exits_unstarted(const Gang& gang, plan::JobId culprit, int attempt,
                                          const Error& error) const;

  bool empty() const { return running_.empty(); }
  void begin(const Gang& gang, int attempt, std::vector<Start> starts);
  void ended(const Gang& gang, plan::Exit exit);
  // Ends what is to end, and calls START for what may start, unless IS_STOPPING. Returns the first jobs of those that
  // are over. If services are waited for, the loop is woken soon.
  std::vector<plan::JobId> look(bool is_stopping, const std::function<void(Start&)>& start);
  // The gang of FIRST, which is over and is forgotten. None as long as its outputs are not visible, if MAY_WAIT: then
  // the loop is woken soon.
  std::optional<RunningGang> take(plan::JobId first, bool may_wait);
  void stop_waiting();  // wakes the loop no longer

 private:
  bool has_pending_outputs(const RunningGang& gang) const;
  void wake_soon();

  plan::JobGraph& graph_;
  plan::Resources& resources_;
  plan::JobSource& source_;
  plan::Executor& executor_;
  os::EventLoop& loop_;
  std::map<plan::JobId, RunningGang> running_;  // by their first job
  std::uint64_t timer_ = 0;
};

}  // namespace furrow::farm
