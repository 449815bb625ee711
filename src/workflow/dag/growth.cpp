#include "workflow/dag/growth.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/log.hpp"

namespace furrow::workflow {

Growth::Growth(Dag& dag, const RuleSet& rules, FileStates& states, Evaluator& evaluator, DagBuilder& builder,
               Staleness& staleness)
    : dag_(dag),
      rules_(rules),
      states_(states),
      evaluator_(evaluator),
      builder_(builder),
      staleness_(staleness) {}

// Whether FILE, for which a function waits, is made, and will not be made again by this run.
bool Growth::is_made(FileId file) {
  const NodeId node = dag_.producer(file);
  if (node == kNoNode) return states_.exists(file);
  if (settled_.contains(node)) return true;
  if (staleness_.must_run(node)) return false;
  const auto outputs = dag_.outputs(node, rules_);
  if (!std::all_of(outputs.begin(), outputs.end(), [&](FileId f) { return states_.exists(f); })) return false;
  settled_.insert(node);
  return true;
}

std::vector<FileId> Growth::made_for(std::span<const NodeId> nodes) {
  std::vector<FileId> files;
  for (const NodeId node : nodes) {
    const auto* const awaited = dag_.awaited(node);
    if (!awaited) continue;
    for (const FileId file : *awaited) {
      if (is_made(file)) files.push_back(file);
    }
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

Result<bool> Growth::settle() {
  std::vector<NodeId> waiting;
  for (const auto* open : {&dag_.unanswered(), &dag_.set_aside()}) {
    for (const auto& [node, files] : *open) waiting.push_back(node);
  }
  std::sort(waiting.begin(), waiting.end());  // the map has no defined order
  std::vector<FileId> files = made_for(waiting);
  for (const NodeId node : dag_.order()) {  // functions of params may ask for them, too
    const auto outputs = dag_.outputs(node, rules_);
    if (rules_[dag_.node(node).rule].rule.is_checkpoint && !outputs.empty() && is_made(outputs.front()))
      files.push_back(outputs.front());
  }
  const auto step =
      FURROW_TRY(grow(std::move(files), {}, [this](NodeId node) { return settled_.contains(node); }));
  if (!step.extension.failed.empty()) return fail(step.extension.failed.front().second);
  return !step.extension.empty();
}

bool Growth::is_awaited(NodeId node) const {
  const auto outputs = dag_.outputs(node, rules_);
  return (rules_[dag_.node(node).rule].rule.is_checkpoint && !outputs.empty()) ||
         std::any_of(outputs.begin(), outputs.end(), [&](FileId file) { return builder_.is_awaited(file); });
}

Result<GrowthStep> Growth::after(std::span<const NodeId> ended, const IsSettled& is_settled,
                                 bool asks_queues) {
  std::vector<FileId> files;
  for (const NodeId node : ended) {
    settled_.insert(node);
    const auto outputs = dag_.outputs(node, rules_);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (i == 0 || builder_.is_awaited(outputs[i])) files.push_back(outputs[i]);
    }
  }
  const auto is_fixed = [&](NodeId node) { return settled_.contains(node) || is_settled(node); };
  std::vector<NodeId> again = followers(ended, is_fixed);
  if (asks_queues) again.insert(again.end(), dag_.open_queues().begin(), dag_.open_queues().end());
  return grow(std::move(files), std::move(again), is_fixed);
}

// Jobs whose functions may answer otherwise now, although they did not ask for these jobs of checkpoints: they need
// their outputs, and may look for what has come with these.
std::vector<NodeId> Growth::followers(std::span<const NodeId> ended, const IsSettled& is_settled) const {
  std::set<NodeId> found;
  for (const NodeId node : ended) {
    if (!rules_[dag_.node(node).rule].rule.is_checkpoint) continue;
    staleness_.consumers().for_each(node, [&](const Consumers::Edge& edge) {
      const bool has_functions = rules_[dag_.node(edge.consumer).rule].has_input_functions;
      if (has_functions && !dag_.is_unanswered(edge.consumer) && !is_settled(edge.consumer))
        found.insert(edge.consumer);
    });
  }
  return {found.begin(), found.end()};
}

Result<void> Growth::announce(const std::vector<FileId>& files) {
  if (files.empty()) return {};
  std::vector<std::string> names;
  for (const FileId file : files) names.emplace_back(dag_.files.view(file));
  return evaluator_.finished(names);
}

Result<GrowthStep> Growth::grow(std::vector<FileId> files, std::vector<NodeId> again,
                                const IsSettled& is_settled) {
  GrowthStep step;
  std::unordered_map<NodeId, bool> was_due;
  std::unordered_set<NodeId> answered_before;
  while (!files.empty() || !again.empty()) {
    FURROW_TRY(announce(files));
    Extension part = FURROW_TRY(builder_.extend(files, std::exchange(again, {})));
    if (part.empty()) break;
    std::vector<NodeId> changed = part.added;
    for (const Extension::Answered& answered : part.answered) changed.push_back(answered.node);
    if (cut_) {
      cut_->cut(part);
      builder_.forget(part.left_out);
      staleness_.withdraw(part.withdrawn, was_due);
    }
    staleness_.consumers().extend(dag_, part);
    find_cycles(dag_, rules_, staleness_.consumers(), part);
    FURROW_TRY(staleness_.extend(part, is_settled, was_due));
    for (auto* const jobs : {&part.answered, &part.withdrawn}) {
      for (Extension::Answered& job : *jobs) {
        if (answered_before.insert(job.node).second) step.extension.answered.push_back(std::move(job));
      }
    }
    files = made_for(changed);
    auto& added = step.extension.added;
    auto& failed = step.extension.failed;
    added.insert(added.end(), part.added.begin(), part.added.end());
    failed.insert(failed.end(), part.failed.begin(), part.failed.end());
  }
  for (const auto& [node, before] : was_due) {
    if (before == staleness_.must_run(node)) continue;
    (before ? step.dropped : step.due).push_back(node);
  }
  std::sort(step.due.begin(), step.due.end());
  std::sort(step.dropped.begin(), step.dropped.end());
  FURROW_LOG(workflow, info,
             "the graph grows: {} jobs more, {} functions have answered, {} jobs must run now, {} need not",
             step.extension.added.size(), step.extension.answered.size(), step.due.size(),
             step.dropped.size());
  return step;
}

std::vector<std::string> awaited_checkpoints(const Dag& dag, const RuleSet& rules, NodeId node) {
  std::vector<std::string> names;
  if (dag.open_queues().contains(node)) names.emplace_back(kItsQueue);
  const auto* const awaited = dag.awaited(node);
  if (!awaited) return names;
  for (const FileId file : *awaited) {
    const NodeId made_by = dag.producer(file);
    if (made_by == kNoNode) continue;
    const CompiledRule& rule = rules[dag.node(made_by).rule];
    const std::string wildcards = show_wildcards(rule, dag.values(made_by, rules));
    names.push_back("checkpoint " + rule.rule.name + (wildcards.empty() ? "" : " (" + wildcards + ")"));
  }
  return names;
}

}  // namespace furrow::workflow
