#include "workflow/dag/consumers.hpp"

#include <unordered_set>

namespace furrow::workflow {

void Consumers::find(const Dag& dag) {
  replaced_.clear();
  more_.clear();
  first_.assign(dag.size() + 1, 0);
  for (const NodeId node : dag.order()) {
    for (const FileId file : dag.inputs(node)) {
      if (const NodeId made_by = dag.producer(file); made_by != kNoNode) ++first_[made_by + 1];
    }
  }
  for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  edges_.resize(first_.back());
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for (const NodeId node : dag.order()) {
    const auto inputs = dag.inputs(node);
    const auto flags = dag.input_flags(node);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const NodeId made_by = dag.producer(inputs[i]);
      if (made_by != kNoNode) edges_[next[made_by]++] = {node, inputs[i], (flags[i] & kAncient) != 0};
    }
  }
}

void Consumers::extend(const Dag& dag, const Extension& extension) {
  for (const Extension::Answered& answered : extension.answered) {
    remove(dag, answered.node, answered.before);
    add(dag, answered.node);
  }
  for (const NodeId node : extension.added) add(dag, node);
}

void Consumers::remove(const Dag& dag, NodeId consumer, std::span<const FileId> inputs) {
  if (consumer >= replaced_.size()) replaced_.resize(dag.size(), 0);
  replaced_[consumer] = 1;
  for (const FileId file : inputs) {
    const auto more = more_.find(dag.producer(file));
    if (more != more_.end())
      std::erase_if(more->second, [&](const Edge& edge) { return edge.consumer == consumer; });
  }
}

void Consumers::add(const Dag& dag, NodeId consumer) {
  const auto inputs = dag.inputs(consumer);
  const auto flags = dag.input_flags(consumer);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const NodeId made_by = dag.producer(inputs[i]);
    if (made_by != kNoNode) more_[made_by].push_back({consumer, inputs[i], (flags[i] & kAncient) != 0});
  }
}

namespace {

// The file by which NODE, directly or not, needs itself; kNone if it does not.
FileId own_need(const Consumers& consumers, NodeId node) {
  std::unordered_set<NodeId> seen;
  std::vector<NodeId> stack{node};
  FileId found = StringTable::kNone;
  while (!stack.empty() && found == StringTable::kNone) {
    const NodeId at = stack.back();
    stack.pop_back();
    consumers.for_each(at, [&](const Consumers::Edge& edge) {
      if (edge.consumer == node) found = edge.file;
      if (seen.insert(edge.consumer).second) stack.push_back(edge.consumer);
    });
  }
  return found;
}

}  // namespace

void find_cycles(const Dag& dag, const RuleSet& rules, const Consumers& consumers, Extension& extension) {
  for (const Extension::Answered& answered : extension.answered) {
    const FileId file = own_need(consumers, answered.node);
    if (file == StringTable::kNone) continue;
    const Rule& rule = rules[dag.node(answered.node).rule].rule;
    extension.failed.emplace_back(
        answered.node,
        rule_error(rule,
                   "rule " + rule.name +
                       " needs, directly or indirectly, its own output, now that a checkpoint has "
                       "run: a cycle through the file " +
                       std::string(dag.files.view(file)),
                   "Let its input function return files that are made without it."));
  }
}

}  // namespace furrow::workflow
