// Attempts that wait to be put into a batch, first come first served, and what is known of how long their
// like take.
//
// A leader waits together with places for the others of its group, its mates: what the farm starts of them
// meanwhile joins it there. Owns the jobs until they are taken. Not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "exec/cluster/batch_planner.hpp"
#include "exec/cluster/batch_system.hpp"
#include "exec/cluster/cluster_flight.hpp"
#include "exec/cluster/cluster_needs.hpp"

namespace furrow::exec {

class ClusterQueue {
 public:
  using Job = std::unique_ptr<ClusterJob>;

  explicit ClusterQueue(NeedsSource& needs) : needs_(needs) {}

  bool empty() const { return waiting_.empty(); }
  double since() const { return since_; }  // when it began to fill, by the monotonic clock

  bool join(Job& job);  // takes it where a leader has a place for it
  void add(Job job);
  void put_back(Job job);  // its batch is gone: it has waited long enough

  // How they stand, for plan_submission(); borrowed until the queue changes. No group gets more than a node
  // has.
  std::vector<WaitingJob> view(const SystemFigures& figures, bool each_alone);
  // The jobs of each planned batch.
  std::vector<std::vector<Job>> take(const PlannedSubmission& planned);
  std::vector<Job> take_all();  // mates before their leaders
  void forget_mate(const std::string& key) { places_.erase(key); }

  void note_duration(const std::string& kind, double seconds);

 private:
  struct Mean {
    double sum = 0;
    std::size_t count = 0;
  };

  NeedsSource& needs_;
  std::deque<Job> waiting_;
  double since_ = 0;
  std::unordered_map<std::string, Job*> places_;  // of mates, by key; with leaders that wait
  std::map<std::string, Mean> durations_;         // by kind
};

}  // namespace furrow::exec
