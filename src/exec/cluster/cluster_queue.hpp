// Attempts that wait for a batch, first come first served, and the measured durations of jobs by kind.
//
// The leader of a group holds slots for the other members: a member that the farm starts in the meantime
// joins it there. Owns the jobs until they are taken. Not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "exec/cluster/batch_planner.hpp"
#include "exec/cluster/batch_system.hpp"
#include "exec/cluster/cluster_needs.hpp"
#include "exec/cluster/submitted_batch.hpp"

namespace furrow::exec {

class ClusterQueue {
 public:
  using JobPtr = std::unique_ptr<ClusterJob>;

  // Both borrowed.
  ClusterQueue(NeedsSource& needs, const BatchSystem& system) : needs_(needs), system_(system) {}

  bool empty() const { return waiting_.empty(); }
  double since() const { return since_; }  // when it began to fill, in monotonic seconds

  bool join(JobPtr& job);  // takes the job if it is a member of the group of a waiting leader
  void add(JobPtr job);
  void requeue(JobPtr job);  // for a job whose batch is gone: it need not wait for others to collect

  // The waiting jobs in order, for plan_submission(); borrowed until the queue changes. A group asks for no
  // more than a node has.
  std::vector<WaitingJob> view(const SystemFigures& figures, bool each_alone);
  // Removes and returns the jobs of each planned batch.
  std::vector<std::vector<JobPtr>> take(const PlannedSubmission& planned);
  std::vector<JobPtr> take_all();  // members before their leaders
  void forget_member(const std::string& key) { member_slots_.erase(key); }

  void note_duration(const std::string& kind, double seconds);

 private:
  struct Mean {
    double sum = 0;
    std::size_t count = 0;
  };

  NeedsSource& needs_;
  const BatchSystem& system_;
  std::deque<JobPtr> waiting_;
  double since_ = 0;
  std::unordered_map<std::string, JobPtr*> member_slots_;  // by key of the member; owned by waiting leaders
  std::map<std::string, Mean> durations_;                  // by kind
};

}  // namespace furrow::exec
