#include "workflow/dag/nested_outputs.hpp"

#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace furrow::workflow {

namespace {

Error nested(const Dag& dag, const RuleSet& rules, NodeId node, FileId file, NodeId folder_node,
             std::string_view folder) {
  const Rule& rule = rules[dag.node(node).rule].rule;
  return rule_error(rule,
                    "the output " + std::string(dag.files.view(file)) + " of rule " + rule.name +
                        " lies in the folder " + std::string(folder) + ", which rule " +
                        rules[dag.node(folder_node).rule].rule.name + " makes as a whole",
                    "Put it elsewhere: it would go whenever the folder is made again.");
}

// Calls IN for each folder above PATH until it returns true.
template <class In>
bool any_folder_above(std::string_view path, In in) {
  for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos && slash > 0;
       slash = path.rfind('/')) {
    path = path.substr(0, slash);
    if (in(path)) return true;
  }
  return false;
}

FileFlags flags_of(const Dag& dag, const RuleSet& rules, NodeId node, FileId file) {
  const auto& templates = rules[dag.node(node).rule].outputs;
  const auto outputs = dag.outputs(node, rules);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] == file) return templates[i].flags;
  }
  return {};
}

// Whether NODE runs only after MAKER: the nearest jobs are looked at first.
bool runs_after(const Dag& dag, NodeId node, NodeId maker) {
  std::vector<NodeId> queue{node};
  std::unordered_set<NodeId> seen{node};
  for (std::size_t next = 0; next < queue.size(); ++next) {
    for (const FileId file : dag.inputs(queue[next])) {
      const NodeId made_by = dag.producer(file);
      if (made_by == maker) return true;
      if (made_by != kNoNode && seen.insert(made_by).second) queue.push_back(made_by);
    }
  }
  return false;
}

}  // namespace

Result<void> check_nested_outputs(const Dag& dag, const RuleSet& rules) {
  std::unordered_map<std::string_view, NodeId> folders;
  for (const NodeId node : dag.order()) {
    const auto& templates = rules[dag.node(node).rule].outputs;
    const auto outputs = dag.outputs(node, rules);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (templates[i].flags & kDirectory) folders.emplace(dag.files.view(outputs[i]), node);
    }
  }
  if (folders.empty()) return {};
  for (const NodeId node : dag.order()) {
    for (const FileId file : dag.outputs(node, rules)) {
      NodeId other = kNoNode;
      std::string_view folder;
      any_folder_above(dag.files.view(file), [&](std::string_view above) {
        const auto found = folders.find(above);
        if (found == folders.end() || found->second == node) return false;
        other = found->second;
        folder = above;
        return true;
      });
      if (other != kNoNode) return fail(nested(dag, rules, node, file, other, folder));
    }
  }
  return {};
}

// A folder among the added outputs around a file that was known before is found only when all is planned anew. Jobs
// that turn up may write into the folder of a checkpoint, and of a job that they need, as in Snakemake: if that is
// made again, so are they. A temp folder would take their files along.
Result<void> check_nested_outputs(const Dag& dag, const RuleSet& rules, std::span<const NodeId> added) {
  for (const NodeId node : added) {
    for (const FileId file : dag.outputs(node, rules)) {
      NodeId other = kNoNode;
      std::string_view folder;
      any_folder_above(dag.files.view(file), [&](std::string_view above) {
        const FileId known = dag.files.find(above);
        if (known == StringTable::kNone) return false;
        const NodeId made_by = dag.producer(known);
        if (made_by == kNoNode || made_by == node) return false;
        const FileFlags flags = flags_of(dag, rules, made_by, known);
        if (!(flags & kDirectory)) return false;
        const bool is_remade_with_it =
            rules[dag.node(made_by).rule].rule.is_checkpoint || runs_after(dag, node, made_by);
        if (is_remade_with_it && !(flags & kTemp)) return false;
        other = made_by;
        folder = above;
        return true;
      });
      if (other != kNoNode) return fail(nested(dag, rules, node, file, other, folder));
    }
  }
  return {};
}

}  // namespace furrow::workflow
