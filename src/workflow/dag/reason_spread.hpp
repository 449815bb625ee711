// Which jobs must run because of others: those that use what a job makes again, and those that make what it misses.
//
// A job has reasons of its *own* (its record, its files, options) and others that follow. When the graph grows, what
// followed from a job whose function has answered is in doubt: it is taken back and derived again from what is certain.
// So two jobs that must run only because of each other do not keep each other. Not thread-safe.
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "workflow/dag/consumers.hpp"
#include "workflow/dag/file_states.hpp"
#include "workflow/dag/reasons.hpp"

namespace furrow::workflow {

class ReasonSpread {
 public:
  // Borrows all arguments. REASONS holds the reasons of each job, OWN those that do not follow from others.
  ReasonSpread(const Dag& dag, FileStates& states, const Consumers& consumers, std::vector<Reasons>& reasons,
               const std::vector<Reasons>& own);

  using IsSettled = std::function<bool(NodeId)>;
  using WasDue = std::unordered_map<NodeId, bool>;

  void all();  // from the jobs of the whole graph
  // EXTENSION's jobs have their own reasons and no others yet. What is settled stays as it is.
  void revise(const Extension& extension, const IsSettled& is_settled, WasDue& was_due);

 private:
  bool must_run(NodeId node) const { return reasons_[node] != 0; }
  void spread(std::vector<NodeId>& queue, const IsSettled& is_settled, WasDue* was_due);
  std::vector<NodeId> take_back(const Extension& extension, const IsSettled& is_settled, WasDue& was_due);
  Reasons support(NodeId node) const;

  const Dag& dag_;
  FileStates& states_;
  const Consumers& consumers_;
  std::vector<Reasons>& reasons_;
  const std::vector<Reasons>& own_;
};

}  // namespace furrow::workflow
