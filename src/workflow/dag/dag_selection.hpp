// Chooses, for each file, one of the jobs that could make it.
//
// A job is *feasible* if each of its inputs exists or can be made by a feasible job. This is the least fixed
// point, so jobs that need each other in a cycle are not feasible. For each file the best feasible job is
// chosen (by ruleorder, then a rule without wildcards first); two equally good jobs are an error. If none is
// feasible, a file that exists is used as it is.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "workflow/dag/dag.hpp"
#include "workflow/dag/file_states.hpp"
#include "workflow/rules/rule_index.hpp"

namespace furrow::workflow {

// The candidates for a file that several rules could make, or for which a candidate failed.
struct Choice {
  std::vector<NodeId> made;  // candidates that are jobs
  // Rule and wildcards of candidates of lower rank.
  std::vector<std::pair<RuleId, std::vector<std::string>>> untried;
  std::vector<Error> errors;  // of candidates that could not become jobs
};
using Choices = std::unordered_map<FileId, Choice>;
using FailedNodes = std::unordered_map<NodeId, Error>;  // jobs whose input functions failed

// The candidates to which no other is preferred.
template <class T, class RuleOf>
std::vector<T> best_of(const std::vector<T>& candidates, const RuleSet& rules, RuleOf rule_of) {
  std::vector<T> best;
  for (const T& candidate : candidates) {
    bool beaten = false;
    for (const T& other : candidates) beaten |= rules.compare(rule_of(other), rule_of(candidate)) > 0;
    if (!beaten) best.push_back(candidate);
  }
  return best.empty() ? candidates : best;
}

class DagSelection {
 public:
  // NEEDED: every file that was looked up. Borrows all arguments.
  DagSelection(Dag& dag, const RuleSet& rules, const RuleIndex& index, FileStates& states,
               const std::vector<FileId>& needed, const Choices& choices, const FailedNodes& failed);

  void find_feasible();
  // Files that have no feasible job yet, but still have untried candidates.
  std::vector<FileId> stuck() const;
  // Picks a job for each file and puts the jobs that the targets need in order.
  Result<void> select(bool allow_ambiguity);
  // A cycle among the jobs that were looked at, whether or not one of them was chosen.
  std::optional<Error> any_cycle() const;

  // The graph has grown by the jobs from FIRST_NEW on, and these old ones have other inputs: finds out which of them
  // are feasible. Of the others it is known.
  void extend(NodeId first_new, std::span<const NodeId> changed);
  // Adds what an old job with other inputs needs to the order, and to ADDED.
  Result<void> add(NodeId changed, bool allow_ambiguity, std::vector<NodeId>& added);
  // Puts all jobs in order anew.
  void sort();

 private:
  struct Frame {  // of the depth-first walk through the jobs
    NodeId node;
    std::uint32_t next_input;
  };

  void count_missing();
  void spread();
  void make_room(NodeId first_new);
  bool is_available(FileId file);
  bool is_self_made(NodeId node) const;  // one of its inputs is one of its outputs
  Result<void> choose(FileId file, bool allow_ambiguity);
  Result<void> visit(NodeId start, bool allow_ambiguity);
  Result<void> walk(std::vector<Frame>& path, bool allow_ambiguity);
  bool open_circle(std::vector<Frame>& path, NodeId node, FileId file);
  void drop_unneeded();
  std::vector<NodeId> candidates(FileId file) const;

  Error explain(NodeId node);
  Error explain_file(FileId file, NodeId wanted_by, std::vector<char>& seen);
  Error missing_inputs(NodeId node);
  std::string hint_for_missing(const std::string& name);
  Error cycle(NodeId node, FileId file) const;

  Dag& dag_;
  const RuleSet& rules_;
  const RuleIndex& index_;
  FileStates& states_;
  const std::vector<FileId>& needed_;
  const Choices& choices_;
  const FailedNodes& failed_;
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
};

}  // namespace furrow::workflow
