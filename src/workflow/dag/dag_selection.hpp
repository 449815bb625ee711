// Chooses, for each file, one of the jobs that could make it.
//
// A job is *feasible* if each of its inputs exists or can be made by a feasible job. This is the least fixed
// point, so jobs that need each other in a cycle are not feasible. For each file the best feasible job is
// chosen (by ruleorder, then a rule without wildcards first); two equally good jobs are an error. If none is
// feasible, a file that exists is used as it is. An input that names the rule that makes it is taken from that rule
// (NamedProducers); that two jobs take one file from two rules is an error.
#pragma once

#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "workflow/dag/choices.hpp"
#include "workflow/dag/dag.hpp"
#include "workflow/dag/file_states.hpp"
#include "workflow/dag/named_producers.hpp"
#include "workflow/dag/selection_errors.hpp"
#include "workflow/rules/rule_index.hpp"

namespace furrow::workflow {

class DagSelection {
 public:
  // NEEDED: every file that was looked up. Borrows all arguments.
  DagSelection(Dag& dag, const RuleSet& rules, const RuleIndex& index, FileStates& states,
               const std::vector<FileId>& needed, const Choices& choices, const NamedProducers& named,
               const FailedNodes& failed);

  void find_feasible();
  // Files that have no feasible job yet, but still have untried candidates.
  std::vector<FileId> stuck() const;
  // Picks a job for each file and puts the jobs that the targets need in order.
  Result<void> select(bool allow_ambiguity);
  // An error if two of the jobs that are left in the graph make one file, needed or not: whichever ends last would win.
  Result<void> check_shared_outputs();
  // A cycle among the jobs that were looked at, whether or not one of them was chosen.
  std::optional<Error> any_cycle() const;

  // The graph has grown by the jobs from FIRST_NEW on, and these old ones have other inputs: finds out which of them
  // are feasible. Of the others it is known.
  void extend(NodeId first_new, std::span<const NodeId> changed);
  // Adds what an old job with other inputs needs to the order, and to ADDED.
  Result<void> add(NodeId changed, bool allow_ambiguity, std::vector<NodeId>& added);
  // Puts all jobs in order anew.
  void sort();
  void forget(std::span<const NodeId> nodes) {
    for (const NodeId node : nodes) mark_[node] = 0;
  }

 private:
  struct Frame {  // of the depth-first walk through the jobs
    NodeId node;
    std::uint32_t next_input;
  };

  void count_missing();
  void spread();
  void make_room(NodeId first_new);
  bool is_available(FileId file);
  bool can_take(NodeId user, FileId file) const;
  Result<NodeId> best_for(NodeId user, FileId file, bool allow_ambiguity) const;
  Result<void> choose(NodeId user, FileId file, bool allow_ambiguity);
  Result<void> visit(NodeId start, bool allow_ambiguity);
  Result<void> walk(std::vector<Frame>& path, bool allow_ambiguity);
  bool open_circle(std::vector<Frame>& path, NodeId node, FileId file);
  void drop_unneeded();
  template <class IsChosen>
  std::vector<NodeId> makers(FileId file, IsChosen is_chosen) const;
  std::optional<FileId> take_from_chosen_jobs();
  Result<void> check_shared_outputs(std::span<const NodeId> added);

  Dag& dag_;
  const RuleSet& rules_;
  const RuleIndex& index_;
  FileStates& states_;
  const std::vector<FileId>& needed_;
  const Choices& choices_;
  const NamedProducers& named_;
  const FailedNodes& failed_;
  const SelectionErrors errors_;
  bool all_feasible_ = false;
  bool has_opened_circles_ = false;
  std::optional<Error> opened_;  // the first cycle that was opened
  bool has_grown_ = false;
  std::vector<char> feasible_;          // by job
  std::vector<std::uint32_t> missing_;  // by job: inputs not known to be available
  std::vector<char> available_;         // by file
  std::vector<std::uint32_t> consumers_first_;
  std::vector<NodeId> consumers_;
  std::vector<char> mark_;    // by job, in visit: 0 new, 1 on the path, 2 done
  std::vector<char> chosen_;  // by file
  // For files whose producer is named: a job that takes it, and the job that it takes it from.
  std::unordered_map<FileId, std::pair<NodeId, NodeId>> taken_;
};

}  // namespace furrow::workflow
