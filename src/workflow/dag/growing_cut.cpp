#include "workflow/dag/growing_cut.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace furrow::workflow {

GrowingCut::GrowingCut(Dag& dag, const RuleSet& rules, const std::vector<std::string>& until,
                       const std::vector<std::string>& omit_from)
    : dag_(dag), rules_(rules), until_(split(until)), omit_(split(omit_from)), unknown_(until_) {
  kept_.resize(dag.size(), 0);
  for (const NodeId node : dag.order()) {
    kept_[node] = 1;
    forget_known(node);
  }
}

GrowingCut::Names GrowingCut::split(const std::vector<std::string>& names) const {
  Names found;
  for (const std::string& name : names) {
    if (const CompiledRule* const rule = rules_.find(name)) {
      found.rules.insert(rule->id);
    } else {
      found.files.insert(name);
    }
  }
  return found;
}

bool GrowingCut::is_named(const Names& names, NodeId node) const {
  if (names.rules.contains(dag_.node(node).rule)) return true;
  if (names.files.empty()) return false;
  const auto outputs = dag_.outputs(node, rules_);
  return std::any_of(outputs.begin(), outputs.end(),
                     [&](FileId file) { return names.files.contains(std::string(dag_.files.view(file))); });
}

void GrowingCut::forget_known(NodeId node) {
  if (unknown_.empty()) return;
  unknown_.rules.erase(dag_.node(node).rule);
  for (const FileId file : dag_.outputs(node, rules_))
    unknown_.files.erase(std::string(dag_.files.view(file)));
}

void GrowingCut::cut(Extension& extension) {
  kept_.resize(dag_.size(), 0);
  omitted_.resize(dag_.size(), 0);
  if (until_.empty()) {
    for (const NodeId node : extension.added) kept_[node] = 1;
  } else {
    keep_wanted(extension);
  }
  if (!omit_.empty()) omit(extension);
  const auto is_kept = [&](NodeId node) { return kept_[node] != 0; };
  dag_.keep(is_kept, [&](NodeId node) { return !until_.empty() && !omitted_[node]; });
  for (const NodeId node : extension.added) {
    if (!is_kept(node)) extension.left_out.push_back(node);
  }
  std::erase_if(extension.added, [&](NodeId node) { return !is_kept(node); });
  std::erase_if(extension.failed, [&](const auto& failed) { return !is_kept(failed.first); });
  std::erase_if(extension.answered,
                [&](const Extension::Answered& answered) { return !is_kept(answered.node); });
  for (const NodeId node : extension.targets) dag_.add_target(node);
}

// Keeps the named jobs among the new ones, what they need, and what kept jobs need now.
void GrowingCut::keep_wanted(Extension& extension) {
  std::vector<NodeId> queue;
  const auto keep = [&](NodeId node) {
    if (node == kNoNode || std::exchange(kept_[node], 1)) return false;
    queue.push_back(node);
    return true;
  };
  const auto want = [&](NodeId node) {
    if (keep(node)) extension.targets.push_back(node);
  };
  for (const NodeId node : extension.added) {
    if (!is_named(until_, node)) continue;
    forget_known(node);
    want(node);
  }
  for (const Extension::Answered& answered : extension.answered) {
    if (!kept_[answered.node]) continue;
    for (const FileId file : dag_.inputs(answered.node)) keep(dag_.producer(file));
  }
  if (!unknown_.empty()) {
    for (const auto& [node, files] : dag_.unanswered()) {
      for (const FileId file : files) {
        if (dag_.producer(file) != kNoNode) want(dag_.producer(file));
      }
    }
  }
  while (!queue.empty()) {
    const NodeId node = queue.back();
    queue.pop_back();
    for (const FileId file : dag_.inputs(node)) keep(dag_.producer(file));
  }
  std::sort(extension.targets.begin(), extension.targets.end());
}

namespace {

std::vector<FileId> inputs_before(const Dag& dag, const Extension& extension, NodeId node) {
  for (const Extension::Answered& answered : extension.answered) {
    if (answered.node == node) return answered.before;
  }
  const auto inputs = dag.inputs(node);
  return {inputs.begin(), inputs.end()};
}

}  // namespace

// Omits the named jobs and those that depend on them. What these need is made nevertheless.
void GrowingCut::omit(Extension& extension) {
  const std::unordered_set<NodeId> added(extension.added.begin(), extension.added.end());
  std::vector<NodeId> gone;
  const auto depends = [&](NodeId node) {
    const auto inputs = dag_.inputs(node);
    return std::any_of(inputs.begin(), inputs.end(), [&](FileId file) {
      const NodeId made_by = dag_.producer(file);
      return made_by != kNoNode && omitted_[made_by];
    });
  };
  for (bool again = true; again;) {  // a job that has answered comes before new ones that it needs
    again = false;
    for (const NodeId node : dag_.order()) {
      if (!kept_[node] || !(is_named(omit_, node) || depends(node))) continue;
      kept_[node] = 0;
      omitted_[node] = 1;
      gone.push_back(node);
      again = true;
    }
  }
  std::sort(gone.begin(), gone.end());
  for (const NodeId node : gone) {
    if (!added.contains(node)) extension.withdrawn.push_back({node, inputs_before(dag_, extension, node)});
    for (const FileId file : dag_.inputs(node)) {
      const NodeId made_by = dag_.producer(file);
      if (made_by != kNoNode && kept_[made_by]) extension.targets.push_back(made_by);
    }
  }
  std::erase_if(extension.targets, [&](NodeId node) { return !kept_[node]; });
  std::sort(extension.targets.begin(), extension.targets.end());
  extension.targets.erase(std::unique(extension.targets.begin(), extension.targets.end()),
                          extension.targets.end());
}

}  // namespace furrow::workflow
