// A graph that grows, step by step, as jobs of checkpoints end (docs/design/growing-graph.md).
//
// A step tells the evaluator what has been made, asks the functions that waited for it, adds what their jobs need, and
// decides which jobs must run now. If that shows that another checkpoint is up to date, the step goes on with it. It
// looks at the jobs that it changes and at those that depend on them, and at no others. Not thread-safe.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "workflow/dag/dag_builder.hpp"
#include "workflow/dag/growing_cut.hpp"
#include "workflow/dag/staleness.hpp"

namespace furrow::workflow {

// What a step has changed.
struct GrowthStep {
  std::vector<NodeId> due{};      // must run now, and did not before
  std::vector<NodeId> dropped{};  // need not run any longer
  Extension extension{};
  bool empty() const { return extension.empty(); }
};

class Growth {
 public:
  using IsSettled = std::function<bool(NodeId)>;

  // Borrows all arguments.
  Growth(Dag& dag, const RuleSet& rules, FileStates& states, Evaluator& evaluator, DagBuilder& builder,
         Staleness& staleness);

  // CUT, which is borrowed, has cut the graph, and cuts what it grows by; null: nothing does.
  void set_cut(GrowingCut* cut) { cut_ = cut; }

  // Before anything runs: jobs of checkpoints that need not run have ended long ago. Whether the graph has grown.
  Result<bool> settle();

  // Whether the end of NODE may make the graph grow.
  bool is_awaited(NodeId node) const;
  // These jobs have ended. IS_SETTLED: a job has started, or will never run. ASKS_QUEUES: queues have yielded more files.
  Result<GrowthStep> after(std::span<const NodeId> ended, const IsSettled& is_settled,
                           bool asks_queues = false);
  bool has_open_queues() const { return !dag_.open_queues().empty(); }

  bool is_unanswered(NodeId node) const { return dag_.is_unanswered(node); }
  const Consumers& consumers() const { return staleness_.consumers(); }
  bool is_complete() const { return !dag_.may_grow(); }
  bool must_run(NodeId node) const { return staleness_.must_run(node); }

 private:
  std::vector<NodeId> followers(std::span<const NodeId> ended, const IsSettled& is_settled) const;
  Result<GrowthStep> grow(std::vector<FileId> files, std::vector<NodeId> again, const IsSettled& is_settled);
  Result<void> announce(const std::vector<FileId>& files);
  bool is_made(FileId file);
  std::vector<FileId> made_for(std::span<const NodeId> nodes);

  Dag& dag_;
  const RuleSet& rules_;
  FileStates& states_;
  Evaluator& evaluator_;
  DagBuilder& builder_;
  Staleness& staleness_;
  GrowingCut* cut_ = nullptr;
  std::set<NodeId> settled_;  // jobs on whose outputs functions have relied
};

// "checkpoint split (sample=a)", for each that NODE waits for; also kItsQueue.
inline constexpr const char* kItsQueue = "its queue";
std::vector<std::string> awaited_checkpoints(const Dag& dag, const RuleSet& rules, NodeId node);

}  // namespace furrow::workflow
