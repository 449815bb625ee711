#include "workflow/dag/dag_cut.hpp"

#include <algorithm>

#include "base/printable.hpp"
#include "base/strings.hpp"

namespace furrow::workflow {

namespace {

bool can_make(const RuleSet& rules, const std::string& name) {
  std::vector<std::string_view> values;
  for (RuleId id = 0; id < rules.size(); ++id) {
    for (const Template& output : rules[id].outputs) {
      if (output.pattern.match(name, values)) return true;
    }
  }
  return false;
}

// Whether there is a job that NAME, a rule or a file, refers to.
bool is_known(const Dag& dag, const RuleSet& rules, const std::string& name) {
  const CompiledRule* const rule = rules.find(name);
  if (!rule)
    return dag.files.find(name) != StringTable::kNone && dag.producer(dag.files.find(name)) != kNoNode;
  return std::any_of(dag.order().begin(), dag.order().end(),
                     [&](NodeId node) { return dag.node(node).rule == rule->id; });
}

// Marks the jobs that NAMES refer to; a name that refers to none is an error.
Result<std::vector<char>> named(const Dag& dag, const RuleSet& rules, const std::vector<std::string>& names) {
  std::vector<char> marked(dag.size(), 0);
  for (const std::string& name : names) {
    const CompiledRule* const rule = rules.find(name);
    const FileId file = dag.files.find(name);
    const NodeId made_by = file == StringTable::kNone ? kNoNode : dag.producer(file);
    if (!rule && made_by == kNoNode) {
      if (!dag.unanswered().empty() && can_make(rules, name)) continue;  // it may turn up
      const std::string near = nearest(name, rules.names());
      return fail(Error{one_line(name) + " is neither a rule nor a file that a rule of this plan makes",
                        {},
                        0,
                        near.empty() ? "" : "Did you mean the rule " + near + "?"});
    }
    if (!rule) marked[made_by] = 1;
    for (const NodeId node : dag.order()) {
      if (rule && dag.node(node).rule == rule->id) marked[node] = 1;
    }
  }
  return marked;
}

std::vector<FileId> files_made_by(const Dag& dag, const RuleSet& rules, const std::vector<NodeId>& nodes) {
  std::vector<FileId> files;
  for (const NodeId node : nodes) {
    const auto outputs = dag.outputs(node, rules);
    files.insert(files.end(), outputs.begin(), outputs.end());
  }
  return files;
}

}  // namespace

Result<void> keep_until(Dag& dag, const RuleSet& rules, const std::vector<std::string>& names) {
  auto wanted = FURROW_TRY(named(dag, rules, names));
  if (!dag.unanswered().empty() && std::any_of(names.begin(), names.end(), [&](const auto& name) {
        return !is_known(dag, rules, name);
      })) {
    for (const auto& [node, files] : dag.unanswered()) {
      for (const FileId file : files) {
        if (dag.producer(file) != kNoNode) wanted[dag.producer(file)] = 1;
      }
    }
  }
  std::vector<char> kept = wanted;
  const std::vector<NodeId>& order = dag.order();
  for (auto node = order.rbegin(); node != order.rend(); ++node) {  // what a kept job needs is kept
    if (!kept[*node]) continue;
    for (const FileId file : dag.inputs(*node)) {
      if (const NodeId made_by = dag.producer(file); made_by != kNoNode) kept[made_by] = 1;
    }
  }
  std::vector<NodeId> targets;
  for (const NodeId node : order) {
    if (wanted[node]) targets.push_back(node);
  }
  std::vector<FileId> files = files_made_by(dag, rules, targets);
  dag.keep([&](NodeId node) { return kept[node] != 0; }, [](NodeId) { return true; });
  dag.set_targets(std::move(targets), std::move(files));
  return {};
}

Result<void> omit_from(Dag& dag, const RuleSet& rules, const std::vector<std::string>& names) {
  auto omitted = FURROW_TRY(named(dag, rules, names));
  for (const NodeId node : dag.order()) {  // omit the jobs that depend on omitted ones
    const auto inputs = dag.inputs(node);
    if (std::any_of(inputs.begin(), inputs.end(),
                    [&](FileId f) { return dag.producer(f) != kNoNode && omitted[dag.producer(f)]; }))
      omitted[node] = 1;
  }
  std::vector<NodeId> targets;
  for (const NodeId node : dag.targets()) {
    if (!omitted[node]) targets.push_back(node);
  }
  for (const NodeId node : dag.order()) {
    if (!omitted[node]) continue;
    for (const FileId file : dag.inputs(node)) {
      if (const NodeId made_by = dag.producer(file); made_by != kNoNode && !omitted[made_by])
        targets.push_back(made_by);
    }
  }
  std::sort(targets.begin(), targets.end());
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  std::vector<FileId> files = files_made_by(dag, rules, targets);
  std::vector<char> kept(dag.size(), 0);
  for (const NodeId node : dag.order()) kept[node] = !omitted[node];
  dag.keep([&](NodeId node) { return kept[node] != 0; }, [&](NodeId node) { return !omitted[node]; });
  dag.set_targets(std::move(targets), std::move(files));
  return {};
}

}  // namespace furrow::workflow
