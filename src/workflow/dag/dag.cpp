#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

std::vector<std::string_view> Dag::values(NodeId id, const RuleSet& rules) const {
  const std::size_t count = rules[nodes_[id].rule].wildcards.size();
  std::vector<std::string_view> texts(count);
  for (std::size_t i = 0; i < count; ++i) texts[i] = values_text_.view(values_[nodes_[id].first_value + i]);
  return texts;
}

const std::vector<Shape>* Dag::shape(NodeId id) const {
  const auto found = shapes_.find(id);
  return found == shapes_.end() ? nullptr : &found->second;
}

}  // namespace furrow::workflow
