#include "workflow/dag/waiting_jobs.hpp"

#include <algorithm>

namespace furrow::workflow {

namespace {
constexpr std::uint32_t kMostAnswers = 100'000;
}

std::optional<Error> WaitingJobs::add(const Dag& dag, const RuleSet& rules, NodeId node,
                                      const std::vector<FileId>& files) {
  const Rule& rule = rules[dag.node(node).rule].rule;
  for (const FileId file : files) {
    const std::string name(dag.files.view(file));
    if (made_.contains(file))
      return rule_error(rule, "an input function of rule " + rule.name + " still waits for " + name +
                                  ", although the checkpoint that makes it has run");
    if (answers_[node] >= kMostAnswers)
      return rule_error(rule,
                        "an input function of rule " + rule.name + " never settles: it has asked for " +
                            std::to_string(kMostAnswers) +
                            " checkpoint jobs one after the other, at last for the one that makes " + name,
                        "It must return files once the jobs that it asks for have run.");
    by_file_[file].push_back(node);
  }
  return std::nullopt;
}

std::vector<NodeId> WaitingJobs::take(std::span<const FileId> made, const Dag& dag) {
  std::vector<NodeId> nodes;
  for (const FileId file : made) {
    made_.insert(file);
    const auto waiting = by_file_.extract(file);
    if (!waiting.empty()) nodes.insert(nodes.end(), waiting.mapped().begin(), waiting.mapped().end());
  }
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  std::erase_if(nodes, [&](NodeId node) { return !dag.awaited(node); });  // cut away since
  for (const NodeId node : nodes) {
    for (const FileId file : *dag.awaited(node)) {
      const auto others = by_file_.find(file);
      if (others == by_file_.end()) continue;
      std::erase(others->second, node);
      if (others->second.empty()) by_file_.erase(others);
    }
    ++answers_[node];
  }
  return nodes;
}

}  // namespace furrow::workflow
