// Finds the jobs that make the targets.
//
// Works backwards from the targets in rounds. A round looks up the rules that could make each needed file
// (RuleIndex), makes jobs of them, and then needs the inputs of those jobs in turn. Jobs with input functions
// wait until nothing else is left to do; then all of them are asked about in one message. If several rules
// could make a file, the best by ruleorder are tried first. When no more files are needed, DagSelection finds
// the jobs that are feasible (each input exists or can be made) and picks one for each file. If all
// candidates for a file fail, another round tries the next best ones. An input may name the rule that makes it
// (NamedProducers).
//
// A function that waits for a checkpoint has no answer yet: its job gets the file of the checkpoint as input. Once that
// file is made, extend() asks again. The builder therefore lives as long as the graph may grow.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workflow/dag/dag.hpp"
#include "workflow/dag/dag_selection.hpp"
#include "workflow/dag/extension.hpp"
#include "workflow/dag/named_producers.hpp"
#include "workflow/dag/waiting_jobs.hpp"
#include "workflow/rules/evaluator.hpp"
#include "workflow/rules/rule_index.hpp"

namespace furrow::workflow {

// What is an error, although another rule may make the file.
struct StrictEvaluation {
  bool functions = false;           // an input function fails
  bool cycles = false;              // a job needs its own output
  bool periodic_wildcards = false;  // wildcards grow without end
};

// Part `index` of `count`, from 1, of the inputs of a rule. The last part also needs what the others have made.
struct InputBatch {
  RuleId rule = 0;
  std::size_t index = 1, count = 1;
};

struct Targets {
  std::vector<std::string> names;  // rules or files
  bool allow_ambiguity = false;
  StrictEvaluation strict{};
  std::optional<InputBatch> batch{};
};

class DagBuilder {
 public:
  // Borrows all arguments for its own lifetime. DAG already holds the file names that RULES interned.
  DagBuilder(Dag& dag, const RuleSet& rules, Evaluator& evaluator, FileStates& states);

  Result<void> build(const Targets& targets);
  // To be called once jobs that are not wanted have been cut away: an error if two jobs that are left make one file.
  Result<void> check_shared_outputs();

  // Whether a function waits for FILE.
  bool is_awaited(FileId file) const { return waiting_jobs_.is_awaited(file); }
  // These files of checkpoints are made, and the evaluator knows it: asks the functions that wait for them again, and
  // adds what their jobs need. Looks at nothing else.
  // AGAIN: jobs whose queues have yielded more, or that may answer otherwise now.
  Result<Extension> extend(std::span<const FileId> finished, std::span<const NodeId> again = {});
  // Puts all jobs of a graph that has grown in an order in which they can run.
  void sort();
  // These jobs of the last extension are not kept. Another one may bring them again.
  void forget(std::span<const NodeId> nodes);

 private:
  Result<void> add_target(const std::string& name);
  void need(FileId file, NodeId by = kNoNode);
  void need_as_it_is(FileId file, NodeId by);
  void need_before_update(FileId file, NodeId by);
  void need_batch(NodeId node);
  Result<void> check_strictly(const StrictEvaluation& strict, const DagSelection& selection) const;
  Result<void> expand();     // until no file is needed and no job waits for a function
  void search(FileId file);  // for rules that could make it
  // If the wildcards of the job that needs FILE fit by name, they win over those read from the name.
  void take_names(FileId file, Candidate& candidate) const;
  void try_best(FileId file, std::vector<Candidate>& candidates);
  void make_job(FileId file, RuleId rule, Values values);
  NodeId existing_job(FileId file, RuleId rule, Values values) const;
  NodeId job_of_log(const CompiledRule& rule, Values values);
  NodeId target_of(RuleId rule) const;  // the job of a rule that was already named as a target
  bool is_endless(const CompiledRule& rule, Values values) const;
  void register_product(FileId file, NodeId node);
  void add_static_inputs(NodeId node);
  void add_item(NodeId node, const CompiledRule& rule, Values values, const InputItem& item);
  void add_input(FileId file, FileFlags flags);
  bool make_named();
  void answer_functions();
  void answer_functions(std::span<const NodeId> nodes);
  void add_answered_inputs(NodeId node, const std::vector<std::vector<Entry>>& answer);
  void finish_inputs(NodeId node, std::uint32_t first);
  Result<void> expand_and_choose(const std::function<std::vector<FileId>()>& choose);
  void assume_remote();
  void look_at_sources(NodeId first_new, std::span<const NodeId> changed);
  struct Asked;
  std::vector<Asked> ask_again(std::span<const FileId> finished, std::span<const NodeId> again);
  bool is_unchanged(const Asked& asked) const;
  void restore(Asked asked);
  Result<void> try_next(FileId file);

  Dag& dag_;
  const RuleSet& rules_;
  Evaluator& evaluator_;
  FileStates& states_;
  RuleIndex index_;
  std::vector<char> searched_;     // by file
  std::vector<NodeId> needed_by_;  // by file: the first job that needs it
  std::vector<FileId> needed_;     // files to search for
  std::vector<NodeId> waiting_;    // jobs whose input functions have not answered yet
  std::vector<FileId> looked_up_;  // all files that were searched for
  std::vector<FileId> remote_;     // inputs in storage that is not reached yet
  Choices choices_;
  NamedProducers named_;
  FailedNodes failed_;
  bool allow_ambiguity_ = false;
  std::unique_ptr<DagSelection> selection_;
  WaitingJobs waiting_jobs_;
  std::uint32_t current_depth_ = 0;
  std::string scratch_;
  std::vector<Candidate> candidates_;
  std::optional<InputBatch> batch_;
  std::optional<Error> endless_;  // of the first rule whose wildcards grow without end
};

}  // namespace furrow::workflow
