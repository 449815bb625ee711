// From targets to the jobs that make them.
//
// Works outwards in rounds. A round looks up who could make each file that is needed and is not yet known
// (RuleIndex), makes those jobs, and needs their inputs in turn; jobs whose inputs a function answers wait
// until nothing else is left to do, and then all of them are asked in one message. Where several rules could
// make a file, the best by ruleorder are tried first. When no more files are needed, DagSelection finds out
// which jobs can be carried out at all (all their inputs exist or can be made) and picks one for each file;
// files whose candidates all fail send the next best ones into another round.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "workflow/dag/dag.hpp"
#include "workflow/dag/dag_selection.hpp"
#include "workflow/rules/evaluator.hpp"
#include "workflow/rules/rule_index.hpp"

namespace furrow::workflow {

struct Targets {
  std::vector<std::string> names;  // rules or files
  bool allow_ambiguity = false;
};

class DagBuilder {
 public:
  // Borrows all for its own life. DAG already holds the file names that RULES interned.
  DagBuilder(Dag& dag, const RuleSet& rules, Evaluator& evaluator, FileStates& states);

  Result<void> build(const Targets& targets);

 private:
  Result<void> add_target(const std::string& name);
  void need(FileId file);
  Result<void> expand();     // until nothing is needed and nothing waits for a function
  void search(FileId file);  // who could make it
  void try_best(FileId file, std::vector<Candidate>& candidates);
  void make_job(FileId file, RuleId rule, Values values);
  NodeId existing_job(FileId file, RuleId rule, Values values) const;
  NodeId job_of_log(const CompiledRule& rule, Values values);
  NodeId target_of(RuleId rule) const;  // of a rule that was named as a target before
  bool is_endless(const CompiledRule& rule, Values values) const;
  void register_product(FileId file, NodeId node);
  void add_static_inputs(NodeId node);
  void add_item(const CompiledRule& rule, Values values, const InputItem& item);
  void answer_functions();
  void answer_functions(std::span<const NodeId> nodes);
  void add_answered_inputs(NodeId node, const std::vector<std::vector<Entry>>& answer);
  void finish_inputs(NodeId node, std::uint32_t first);
  Result<void> try_next(FileId file);

  Dag& dag_;
  const RuleSet& rules_;
  Evaluator& evaluator_;
  FileStates& states_;
  RuleIndex index_;
  std::vector<char> searched_;     // by file
  std::vector<FileId> needed_;     // to be searched
  std::vector<NodeId> waiting_;    // for their input functions
  std::vector<FileId> looked_up_;  // all that were ever searched
  Choices choices_;
  FailedNodes failed_;
  std::vector<std::uint32_t> depth_;  // by job: how far from the targets it was first needed
  std::uint32_t current_depth_ = 0;
  std::string scratch_;
  std::vector<Candidate> candidates_;
};

}  // namespace furrow::workflow
