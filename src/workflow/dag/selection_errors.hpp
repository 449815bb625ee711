// Why jobs cannot be chosen: inputs that nobody makes, ambiguous rules, cycles. Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "workflow/dag/choices.hpp"
#include "workflow/dag/named_producers.hpp"
#include "workflow/rules/rule_index.hpp"

namespace furrow::workflow {

using FailedNodes = std::unordered_map<NodeId, Error>;  // jobs whose input functions failed

class SelectionErrors {
 public:
  using CanTake = std::function<bool(NodeId user, FileId file)>;
  // Borrows all arguments but CAN_TAKE, which says whether a job can get a file.
  SelectionErrors(const Dag& dag, const RuleSet& rules, const RuleIndex& index, const Choices& choices,
                  const NamedProducers& named, const FailedNodes& failed, CanTake can_take);

  // Why NODE is not feasible.
  Error explain(NodeId node) const;
  Error ambiguous(FileId file, NodeId first, NodeId second) const;
  Error shared_output(FileId file, NodeId first, NodeId second) const;
  Error cycle(NodeId node, FileId file) const;
  // FIRST and SECOND: a job that takes FILE, and the job that it takes it from.
  Error two_producers(FileId file, std::pair<NodeId, NodeId> first, std::pair<NodeId, NodeId> second) const;

 private:
  std::string around(NodeId node) const;
  const std::string& name_of(NodeId node) const;
  Error explain_file(FileId file, NodeId wanted_by, std::vector<char>& seen) const;
  Error missing_inputs(NodeId node) const;
  std::string hint_for_missing(const std::string& name) const;

  const Dag& dag_;
  const RuleSet& rules_;
  const RuleIndex& index_;
  const Choices& choices_;
  const NamedProducers& named_;
  const FailedNodes& failed_;
  const CanTake can_take_;
};

}  // namespace furrow::workflow
