#include "workflow/dag/named_producers.hpp"

#include <algorithm>
#include <utility>

namespace furrow::workflow {

namespace {

bool is_untried(const Choice& choice, RuleId rule) {
  return std::any_of(choice.untried.begin(), choice.untried.end(),
                     [&](const auto& candidate) { return candidate.first == rule; });
}

}  // namespace

std::vector<std::pair<FileId, RuleId>> NamedProducers::settle(const Dag& dag, const RuleSet& rules,
                                                              const Choices& choices) {
  std::vector<std::pair<FileId, RuleId>> wanted;
  std::vector<std::string_view> values;
  for (const Added& added : std::exchange(added_, {})) {
    const auto choice = choices.find(added.file);
    if (choice == choices.end() || added.rule >= rules.size()) continue;
    for (const Template& output : rules[added.rule].outputs) {
      if (!output.pattern.match(dag.files.view(added.file), values)) continue;
      const bool is_binding = !added.from_function && !output.pattern.has_constraints();
      by_file_[added.file].push_back({added.user, added.rule, is_binding});
      if (is_binding && is_untried(choice->second, added.rule)) wanted.emplace_back(added.file, added.rule);
      break;
    }
  }
  return wanted;
}

std::span<const NamedProducer> NamedProducers::of(FileId file) const {
  const auto found = by_file_.find(file);
  return found == by_file_.end() ? std::span<const NamedProducer>() : found->second;
}

std::optional<RuleId> NamedProducers::binding(NodeId user, FileId file) const {
  if (by_file_.empty()) return std::nullopt;
  for (const NamedProducer& named : of(file)) {
    if (named.user == user && named.is_binding) return named.rule;
  }
  return std::nullopt;
}

std::vector<NodeId> candidates(const Dag& dag, const Choices& choices, const NamedProducers& named,
                               NodeId user, FileId file) {
  std::vector<NodeId> nodes = candidates(dag, choices, file);
  if (const auto rule = named.binding(user, file))
    std::erase_if(nodes, [&](NodeId node) { return dag.node(node).rule != *rule; });
  return nodes;
}

}  // namespace furrow::workflow
