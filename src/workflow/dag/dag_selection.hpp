// Which of the jobs that could make a file is to make it.
//
// A job is *feasible* when each of its inputs is there or can be made by a feasible job: the least fixed
// point, so that jobs that wait for each other in a circle are not. For each file the best feasible job is
// taken (ruleorder, then no wildcards); two that are equally good are an error; where none is feasible, a
// file that exists is taken as it is.
#pragma once

#include <unordered_map>
#include <vector>

#include "workflow/dag/dag.hpp"
#include "workflow/dag/file_states.hpp"
#include "workflow/rules/rule_index.hpp"

namespace furrow::workflow {

// A file that several rules could make, or that some could not.
struct Choice {
  std::vector<NodeId> made;  // jobs that exist
  // rule and wildcards of candidates of lower rank
  std::vector<std::pair<RuleId, std::vector<std::string>>> untried;
  std::vector<Error> errors;  // of candidates that could not even become jobs
};
using Choices = std::unordered_map<FileId, Choice>;
using FailedNodes = std::unordered_map<NodeId, Error>;  // jobs whose input functions failed

// The candidates that no other one is to be preferred to.
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
  // NEEDED: every file that was looked up. Borrows all.
  DagSelection(Dag& dag, const RuleSet& rules, const RuleIndex& index, FileStates& states,
               const std::vector<FileId>& needed, const Choices& choices, const FailedNodes& failed);

  void find_feasible();
  // Files none of whose jobs so far is feasible, but that have candidates not tried yet.
  std::vector<FileId> stuck() const;
  // Picks a job for each file, and puts those that the targets need in order.
  Result<void> select(bool allow_ambiguity);

 private:
  struct Frame {  // of the walk through the jobs
    NodeId node;
    std::uint32_t next_input;
  };

  void count_missing();
  void spread();
  bool is_self_made(NodeId node) const;  // an input of the job is an output of it
  Result<void> choose(FileId file, bool allow_ambiguity);
  Result<void> visit(NodeId start, bool allow_ambiguity);
  bool open_circle(std::vector<Frame>& path, NodeId node, FileId file);
  void drop_unneeded();
  std::vector<NodeId> candidates(FileId file) const;

  Error explain(NodeId node);
  Error explain_file(FileId file, NodeId wanted_by, std::vector<char>& seen);
  Error missing_inputs(NodeId node);
  Error cycle(NodeId node, FileId file);

  Dag& dag_;
  const RuleSet& rules_;
  const RuleIndex& index_;
  FileStates& states_;
  const std::vector<FileId>& needed_;
  const Choices& choices_;
  const FailedNodes& failed_;
  bool all_feasible_ = false;
  bool has_opened_circles_ = false;
  std::vector<char> feasible_;          // by job
  std::vector<std::uint32_t> missing_;  // by job: inputs not known to be available
  std::vector<char> available_;         // by file
  std::vector<std::uint32_t> consumers_first_;
  std::vector<NodeId> consumers_;
  std::vector<char> mark_;    // by job, in visit: 0 new, 1 on the path, 2 done
  std::vector<char> chosen_;  // by file
};

}  // namespace furrow::workflow
