#include "workflow/dag/choices.hpp"

#include <algorithm>

namespace furrow::workflow {

std::vector<NodeId> candidates(const Dag& dag, const Choices& choices, FileId file) {
  if (const auto choice = choices.find(file); choice != choices.end() && !choice->second.made.empty())
    return choice->second.made;
  if (dag.producer(file) == kNoNode) return {};
  return {dag.producer(file)};
}

bool is_self_made(const Dag& dag, const RuleSet& rules, NodeId node) {
  const auto outputs = dag.outputs(node, rules);
  const auto inputs = dag.inputs(node);
  return std::any_of(outputs.begin(), outputs.end(), [&](FileId out) {
    return std::find(inputs.begin(), inputs.end(), out) != inputs.end();
  });
}

}  // namespace furrow::workflow
