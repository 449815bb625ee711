// The software environment of each job. Most rules name one for all of their jobs; where a function or wildcards decide,
// the evaluator is asked, and its answers are kept. Not thread-safe.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "deploy/environments.hpp"
#include "workflow/dag/dag.hpp"
#include "workflow/rules/evaluator.hpp"

namespace furrow::workflow {

class SoftwareEnvironments {
 public:
  // Borrows every argument.
  SoftwareEnvironments(const Dag& dag, const RuleSet& rules, Evaluator& evaluator,
                       deploy::Environments& environments);

  bool any() const { return any_; }  // whether any rule has one
  deploy::Environments& environments() { return environments_; }

  // Asks for those of NODES that only the evaluator knows, and that are not known yet.
  void ask(std::span<const NodeId> nodes);
  // What `prepare` has answered, which is more than what was known before.
  void set(NodeId node, deploy::Environment environment);

  bool is_known(NodeId node) const;
  // Why it is not known: the error of its function. Null if it has not been asked, or has answered.
  const Error* error(NodeId node) const;
  // Of the kind kNone as long as it is not known.
  const deploy::Environment& of(NodeId node) const;
  // What the job's record says of it.
  std::string identity(NodeId node) const;

 private:
  const Rule& rule(NodeId node) const { return rules_[dag_.node(node).rule].rule; }

  const Dag& dag_;
  const RuleSet& rules_;
  Evaluator& evaluator_;
  deploy::Environments& environments_;
  bool any_ = false, has_functions_ = false;
  std::unordered_map<NodeId, Result<deploy::Environment>> answered_;
};

}  // namespace furrow::workflow
