// The jobs of the farm's graph, and which nodes of the workflow they stand for: each node that must run becomes a job,
// which depends on the jobs that make its inputs. A job whose input functions wait for checkpoints is held until they
// have answered. Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "plan/job_graph.hpp"
#include "workflow/dag/growth.hpp"
#include "workflow/jobs/gangs.hpp"

namespace furrow::workflow {

struct PlanOptions {
  int retries = 0;                    // for rules without `retries:`
  std::set<std::string> prioritized;  // rules or files
};

class PlannedJobs {
 public:
  // Borrows all arguments.
  PlannedJobs(const Dag& dag, const RuleSet& rules, Evaluator& evaluator, PlanOptions options);

  // The jobs that run at once. Borrowed; call before plan(). STARTS_TOGETHER: whether the farm starts a gang as one; otherwise
  // its jobs depend on each other as any jobs do.
  using StartsTogether = std::function<bool(const Gangs::Gang&)>;
  void set_gangs(const Gangs* gangs, StartsTogether starts_together) {
    gangs_ = gangs;
    starts_together_ = std::move(starts_together);
  }

  using MustRun = std::function<bool(NodeId)>;
  // Asks the functions that decide on the priority of jobs that must run. Call before plan().
  Result<void> ask_priorities(const MustRun& must_run);
  // Adds a job to GRAPH, which is borrowed, for each node that must run.
  void plan(plan::JobGraph& graph, const MustRun& must_run);
  // Adds the jobs that are due since the graph has grown, drops those that are not, and lets those go whose functions
  // have answered.
  Result<void> grow(const GrowthStep& step, const Consumers& consumers);

  NodeId node(plan::JobId job) const { return nodes_[job]; }
  const std::vector<NodeId>& nodes() const { return nodes_; }  // by job
  // kNoJob if the node need not run.
  plan::JobId job(NodeId node) const { return node < jobs_.size() ? jobs_[node] : plan::kNoJob; }
  // Whether NODE has a job that has not started yet, and may.
  bool is_pending(NodeId node) const;

 private:
  bool is_prioritized(NodeId node) const;
  void find_depths(std::span<const NodeId> nodes, const MustRun& must_run);
  void find_urgent(std::span<const NodeId> nodes);
  Result<void> ask_priorities(std::span<const NodeId> nodes);
  void add_job(NodeId node);
  void add_dependencies(NodeId node, const std::set<FileId>& known = {});
  bool start_together(NodeId a, NodeId b) const;
  void bind_gangs();
  void put_before_updates(const MustRun& concerns);
  bool needs(NodeId node, NodeId other, const std::map<NodeId, std::vector<NodeId>>& more) const;
  void make_room();

  const Dag& dag_;
  const RuleSet& rules_;
  Evaluator& evaluator_;
  const PlanOptions options_;
  plan::JobGraph* graph_ = nullptr;
  std::vector<NodeId> nodes_;          // by job
  std::vector<plan::JobId> jobs_;      // by node
  std::vector<std::uint32_t> depths_;  // by node
  std::vector<char> urgent_;           // by node
  const Gangs* gangs_ = nullptr;
  StartsTogether starts_together_;
  std::size_t bound_ = 0;                       // how many of the gangs were looked at
  std::unordered_map<NodeId, int> priorities_;  // of jobs whose rule has a function for it
};

}  // namespace furrow::workflow
