#include "workflow/dag/dag_selection.hpp"

#include <algorithm>

#include "base/printable.hpp"
#include "base/strings.hpp"
#include "workflow/dag/missing_hints.hpp"
#include "workflow/dag/nested_outputs.hpp"

namespace furrow::workflow {

DagSelection::DagSelection(Dag& dag, const RuleSet& rules, const RuleIndex& index, FileStates& states,
                           const std::vector<FileId>& needed, const Choices& choices,
                           const FailedNodes& failed)
    : dag_(dag),
      rules_(rules),
      index_(index),
      states_(states),
      needed_(needed),
      choices_(choices),
      failed_(failed) {}

std::vector<NodeId> DagSelection::candidates(FileId file) const {
  if (const auto choice = choices_.find(file); choice != choices_.end() && !choice->second.made.empty())
    return choice->second.made;
  if (dag_.producer(file) == kNoNode) return {};
  return {dag_.producer(file)};
}

// ---- which jobs are feasible

void DagSelection::find_feasible() {
  std::vector<FileId> sources;
  for (const FileId file : needed_) {
    if (dag_.producer(file) == kNoNode) sources.push_back(file);
  }
  states_.load(sources);
  const bool sources_there =
      std::all_of(sources.begin(), sources.end(), [&](FileId f) { return states_.exists(f); });
  all_feasible_ = sources_there && choices_.empty() && failed_.empty();
  if (all_feasible_) return;  // cycles are found by visit()
  states_.load(needed_);
  count_missing();
  spread();
}

bool DagSelection::is_self_made(NodeId node) const {
  const auto outputs = dag_.outputs(node, rules_);
  const auto inputs = dag_.inputs(node);
  return std::any_of(outputs.begin(), outputs.end(), [&](FileId out) {
    return std::find(inputs.begin(), inputs.end(), out) != inputs.end();
  });
}

void DagSelection::count_missing() {
  missing_.assign(dag_.size(), 0);
  feasible_.assign(dag_.size(), 0);
  available_.assign(dag_.files.size(), 0);
  consumers_first_.assign(dag_.files.size() + 1, 0);
  for (NodeId node = 0; node < dag_.size(); ++node) {
    missing_[node] = dag_.node(node).input_count;
    for (const FileId file : dag_.inputs(node)) ++consumers_first_[file + 1];
  }
  for (std::size_t i = 1; i < consumers_first_.size(); ++i) consumers_first_[i] += consumers_first_[i - 1];
  consumers_.resize(consumers_first_.back());
  std::vector<std::uint32_t> next(consumers_first_.begin(), consumers_first_.end() - 1);
  for (NodeId node = 0; node < dag_.size(); ++node) {
    for (const FileId file : dag_.inputs(node)) consumers_[next[file]++] = node;
  }
}

void DagSelection::spread() {
  std::vector<FileId> queue;
  const auto make_available = [&](FileId file) {
    if (available_[file]) return;
    available_[file] = 1;
    queue.push_back(file);
  };
  const auto make_feasible = [&](NodeId node) {
    if (failed_.contains(node) || is_self_made(node)) return;
    feasible_[node] = 1;
    for (const FileId file : dag_.outputs(node, rules_)) make_available(file);
  };
  // A job may also be needed for its log, which is not an output of the node. Such files are checked through
  // their candidates.
  std::vector<FileId> by_log;
  for (const FileId file : needed_) {
    if (states_.exists(file)) make_available(file);
    for (const NodeId node : candidates(file)) {
      const auto outputs = dag_.outputs(node, rules_);
      if (std::find(outputs.begin(), outputs.end(), file) == outputs.end()) by_log.push_back(file);
    }
  }
  for (NodeId node = 0; node < dag_.size(); ++node) {
    if (missing_[node] == 0) make_feasible(node);
  }
  for (bool again = true; again;) {
    while (!queue.empty()) {
      const FileId file = queue.back();
      queue.pop_back();
      for (std::uint32_t i = consumers_first_[file]; i < consumers_first_[file + 1]; ++i) {
        if (--missing_[consumers_[i]] == 0) make_feasible(consumers_[i]);
      }
    }
    for (const FileId file : by_log) {
      const auto nodes = candidates(file);
      if (std::any_of(nodes.begin(), nodes.end(), [&](NodeId n) { return feasible_[n]; }))
        make_available(file);
    }
    again = !queue.empty();
  }
}

std::vector<FileId> DagSelection::stuck() const {
  std::vector<FileId> files;
  const auto look_at = [&](FileId file, const Choice& choice) {
    if (choice.untried.empty()) return;
    const auto nodes = candidates(file);
    if (std::none_of(nodes.begin(), nodes.end(), [&](NodeId n) { return all_feasible_ || feasible_[n]; }))
      files.push_back(file);
  };
  if (!has_grown_) {
    for (const auto& [file, choice] : choices_) look_at(file, choice);
    std::sort(files.begin(), files.end());  // the map has no defined order
  } else if (!choices_.empty()) {
    for (const FileId file : needed_) {  // what was looked up since
      if (const auto choice = choices_.find(file); choice != choices_.end()) look_at(file, choice->second);
    }
  }
  return files;
}

// ---- which job is chosen

Result<void> DagSelection::choose(FileId file, bool allow_ambiguity) {
  if (chosen_[file]) return {};
  chosen_[file] = 1;
  if (all_feasible_) return {};
  std::vector<NodeId> able = candidates(file);
  std::erase_if(able, [&](NodeId n) { return !feasible_[n]; });
  const auto best = best_of(able, rules_, [&](NodeId n) { return dag_.node(n).rule; });
  if (best.size() > 1 && !allow_ambiguity) {
    const CompiledRule& a = rules_[dag_.node(best[0]).rule];
    const CompiledRule& b = rules_[dag_.node(best[1]).rule];
    return fail(rule_error(a.rule,
                           "rules " + a.rule.name + " and " + b.rule.name + " are ambiguous for the file " +
                               one_line(dag_.files.view(file)) + ": both can make it (" + a.rule.name +
                               " with " + one_line(show_wildcards(a, dag_.values(best[0], rules_))) + "; " +
                               b.rule.name + " with " +
                               one_line(show_wildcards(b, dag_.values(best[1], rules_))) + ")",
                           "Say which goes first with \"ruleorder: " + a.rule.name + " > " + b.rule.name +
                               "\", constrain their wildcards, or give --allow-ambiguity."));
  }
  if (file >= dag_.producer_.size()) dag_.producer_.resize(dag_.files.size(), kNoNode);
  dag_.producer_[file] = best.empty() ? kNoNode : best.front();
  return {};
}

Result<void> DagSelection::select(bool allow_ambiguity) {
  mark_.assign(dag_.size(), 0);
  chosen_.assign(dag_.files.size(), 0);
  dag_.order_.clear();
  for (const FileId file : dag_.target_files_) {
    const std::vector<NodeId> nodes = candidates(file);  // choose() below may replace them by one, or by none
    FURROW_TRY(choose(file, allow_ambiguity));
    if (const NodeId node = dag_.producer(file); node != kNoNode) {
      dag_.targets_.push_back(node);
      continue;
    }
    if (!nodes.empty()) return fail(explain(nodes.front()));
    if (const auto choice = choices_.find(file); choice != choices_.end() && !choice->second.errors.empty())
      return fail(choice->second.errors.front());
    const std::string name(dag_.files.view(file));
    const std::string near = index_.nearest_pattern(name);
    const std::string near_rule = nearest(name, rules_.names());
    std::string hint = "A target is a rule's name or a file that a rule makes; see --list.";
    if (!near_rule.empty()) {
      hint = "Did you mean the rule " + near_rule + "?";
    } else if (!near.empty()) {
      hint = "The nearest output is \"" + near + "\".";
    }
    return fail(Error{"no rule makes " + one_line(name), {}, 0, hint});
  }
  std::sort(dag_.targets_.begin(), dag_.targets_.end());
  dag_.targets_.erase(std::unique(dag_.targets_.begin(), dag_.targets_.end()), dag_.targets_.end());
  for (const NodeId node : dag_.targets_) {
    if (!all_feasible_ && !feasible_[node]) return fail(explain(node));
    FURROW_TRY(visit(node, allow_ambiguity));
  }
  if (has_opened_circles_) drop_unneeded();
  return check_nested_outputs(dag_, rules_);
}

// The job at the end of PATH needs FILE, and NODE, which makes it, is itself on the path. Goes back to the
// last file on the way that already exists, and uses it as it is.
bool DagSelection::open_circle(std::vector<Frame>& path, NodeId node, FileId file) {
  if (states_.exists(file)) {
    dag_.producer_[file] = kNoNode;
    has_opened_circles_ = true;
    return true;
  }
  for (std::size_t i = path.size() - 1; i > 0 && path[i].node != node; --i) {
    const FileId link = dag_.inputs(path[i - 1].node)[path[i - 1].next_input - 1];
    if (!states_.exists(link)) continue;
    dag_.producer_[link] = kNoNode;
    has_opened_circles_ = true;
    for (std::size_t k = i; k < path.size(); ++k) mark_[path[k].node] = 0;
    path.resize(i);
    return true;
  }
  return false;
}

// After a cycle was opened, the order may hold jobs that only a removed job needed.
void DagSelection::drop_unneeded() {
  std::vector<char> needed(dag_.size(), 0);
  for (const NodeId node : dag_.targets_) needed[node] = 1;
  for (auto node = dag_.order_.rbegin(); node != dag_.order_.rend(); ++node) {
    if (!needed[*node]) continue;
    for (const FileId file : dag_.inputs(*node)) {
      if (const NodeId made_by = dag_.producer(file); made_by != kNoNode) needed[made_by] = 1;
    }
  }
  std::erase_if(dag_.order_, [&](NodeId node) { return !needed[node]; });
}

// Depth first with an explicit stack: a chain may be a hundred thousand jobs long.
Result<void> DagSelection::visit(NodeId start, bool allow_ambiguity) {
  if (mark_[start]) return {};
  std::vector<Frame> path{{start, 0}};
  mark_[start] = 1;
  auto walked = walk(path, allow_ambiguity);
  if (!walked) {
    for (const Frame& frame : path) mark_[frame.node] = 0;
  }
  return walked;
}

Result<void> DagSelection::walk(std::vector<Frame>& path, bool allow_ambiguity) {
  while (!path.empty()) {
    Frame& top = path.back();
    const auto inputs = dag_.inputs(top.node);
    if (top.next_input == inputs.size()) {
      mark_[top.node] = 2;
      dag_.order_.push_back(top.node);
      path.pop_back();
      continue;
    }
    const FileId file = inputs[top.next_input++];
    FURROW_TRY(choose(file, allow_ambiguity));
    const NodeId node = dag_.producer(file);
    if (node == kNoNode || mark_[node] == 2) continue;
    if (mark_[node] == 1) {
      Error error = cycle(top.node, file);
      if (!open_circle(path, node, file)) return fail(std::move(error));
      if (!opened_) opened_ = std::move(error);
      continue;
    }
    mark_[node] = 1;
    path.push_back({node, 0});
  }
  return {};
}

// ---- a graph that grows

// All that was chosen before stays as it is.
void DagSelection::make_room(NodeId first_new) {
  if (!has_grown_) {
    if (all_feasible_) feasible_.assign(first_new, 1);
    mark_.assign(first_new, 0);
    for (const NodeId node : dag_.order()) mark_[node] = 2;
  }
  has_grown_ = true;
  all_feasible_ = false;
  feasible_.resize(dag_.size(), 0);
  missing_.resize(dag_.size(), 0);
  mark_.resize(dag_.size(), 0);
  available_.resize(dag_.files.size(), 0);
  chosen_.resize(dag_.files.size(), 0);
}

bool DagSelection::is_available(FileId file) {
  if (available_[file]) return true;
  const auto nodes = candidates(file);
  available_[file] =
      states_.exists(file) || std::any_of(nodes.begin(), nodes.end(), [&](NodeId n) { return feasible_[n]; });
  return available_[file];
}

// As spread(), for the jobs from FIRST_NEW on and those that have CHANGED.
void DagSelection::extend(NodeId first_new, std::span<const NodeId> changed) {
  make_room(first_new);
  std::vector<NodeId> nodes(changed.begin(), changed.end());
  for (NodeId node = first_new; node < dag_.size(); ++node) nodes.push_back(node);
  for (const NodeId node : nodes) {
    feasible_[node] = 0;
    for (const FileId file : dag_.inputs(node)) {
      if (candidates(file).empty()) available_[file] = 0;
    }
  }
  std::vector<std::pair<FileId, NodeId>> users;  // of what is missing
  std::vector<NodeId> queue;
  for (const NodeId node : nodes) {
    missing_[node] = 0;
    for (const FileId file : dag_.inputs(node)) {
      if (is_available(file)) continue;
      ++missing_[node];
      users.emplace_back(file, node);
    }
    if (missing_[node] == 0) queue.push_back(node);
  }
  std::sort(users.begin(), users.end());
  const auto make_available = [&](FileId file) {
    if (std::exchange(available_[file], 1)) return;
    for (auto user = std::lower_bound(users.begin(), users.end(), std::pair(file, NodeId{0}));
         user != users.end() && user->first == file; ++user) {
      if (--missing_[user->second] == 0) queue.push_back(user->second);
    }
  };
  for (bool again = true; again;) {
    while (!queue.empty()) {
      const NodeId node = queue.back();
      queue.pop_back();
      if (failed_.contains(node) || is_self_made(node)) continue;
      feasible_[node] = 1;
      for (const FileId file : dag_.outputs(node, rules_)) make_available(file);
    }
    for (const auto& [file, user] : users) {  // logs and benchmarks are no outputs
      if (available_[file]) continue;
      const auto makers = candidates(file);
      if (std::any_of(makers.begin(), makers.end(), [&](NodeId n) { return feasible_[n]; }))
        make_available(file);
    }
    again = !queue.empty();
  }
}

Result<void> DagSelection::add(NodeId changed, bool allow_ambiguity, std::vector<NodeId>& added) {
  if (!feasible_[changed]) return fail(explain(changed));
  const std::size_t before = dag_.order_.size();
  const auto visit_inputs = [&]() -> Result<void> {
    for (const FileId file : dag_.inputs(changed)) {
      FURROW_TRY(choose(file, allow_ambiguity));
      const NodeId node = dag_.producer(file);
      if (node == changed) return fail(cycle(changed, file));
      if (node != kNoNode) FURROW_TRY(visit(node, allow_ambiguity));
    }
    return {};
  };
  auto visited = visit_inputs();
  const auto first = dag_.order_.begin() + static_cast<std::ptrdiff_t>(before);
  added.insert(added.end(), first, dag_.order_.end());
  if (!visited) return visited;
  return check_nested_outputs(dag_, rules_, {first, dag_.order_.end()});
}

void DagSelection::sort() {
  mark_.assign(dag_.size(), 0);
  dag_.order_.clear();
  for (const NodeId node : dag_.targets_) (void)visit(node, true);
  has_grown_ = false;  // the order may be cut before it grows again
}

// ---- why a job is not feasible

Error DagSelection::explain(NodeId node) {
  std::vector<char> seen(dag_.size(), 0);
  seen[node] = 1;
  if (const auto error = failed_.find(node); error != failed_.end()) return error->second;
  if (is_self_made(node)) return cycle(node, dag_.outputs(node, rules_).front());
  for (const FileId file : dag_.inputs(node)) {
    if (!available_[file]) return explain_file(file, node, seen);
  }
  return rule_error(rules_[dag_.node(node).rule].rule, "this rule cannot run");
}

// Follows missing files down to one that no rule makes.
Error DagSelection::explain_file(FileId file, NodeId wanted_by, std::vector<char>& seen) {
  for (;;) {
    const auto choice = choices_.find(file);
    const std::vector<NodeId> nodes = candidates(file);
    if (nodes.empty()) {
      if (choice != choices_.end() && !choice->second.errors.empty()) return choice->second.errors.front();
      return missing_inputs(wanted_by);
    }
    const NodeId node = nodes.front();
    if (const auto error = failed_.find(node); error != failed_.end()) return error->second;
    if (seen[node] || is_self_made(node)) return cycle(node, file);
    seen[node] = 1;
    const auto inputs = dag_.inputs(node);
    const auto missing = std::find_if(inputs.begin(), inputs.end(), [&](FileId f) { return !available_[f]; });
    if (missing == inputs.end()) return rule_error(rules_[dag_.node(node).rule].rule, "this rule cannot run");
    wanted_by = node;
    file = *missing;
  }
}

Error DagSelection::missing_inputs(NodeId node) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  std::vector<std::string> missing;
  for (const FileId file : dag_.inputs(node)) {
    if (!available_[file] && candidates(file).empty()) missing.emplace_back(dag_.files.view(file));
  }
  const std::string wildcards = one_line(show_wildcards(rule, dag_.values(node, rules_)));
  std::string text = "missing input files for rule " + rule.rule.name +
                     (wildcards.empty() ? "" : " (" + wildcards + ")") + ":";
  for (std::size_t i = 0; i < missing.size() && i < 10; ++i) text += "\n    " + one_line(missing[i]);
  if (missing.size() > 10) text += "\n    ... and " + std::to_string(missing.size() - 10) + " more";
  return rule_error(rule.rule, text, missing.empty() ? std::string() : hint_for_missing(missing.front()));
}

std::string DagSelection::hint_for_missing(const std::string& name) {
  if (const auto [folder, rule] = folder_above(name, index_, rules_); !folder.empty())
    return "Rule " + rule + " makes the folder " + folder +
           " as a whole: name the folder as input, and the file in the command.";
  if (const auto [first, second] = joined_names(name, index_); !first.empty())
    return "It looks like \"" + first + "\" and \"" + second + "\" in one: is a comma missing between them?";
  const std::string near = index_.nearest_pattern(name);
  return near.empty() ? "No rule makes them, and they do not exist."
                      : "No rule makes them; the nearest output is \"" + near + "\".";
}

std::optional<Error> DagSelection::any_cycle() const {
  if (opened_) return opened_;
  for (NodeId node = 0; node < dag_.size(); ++node)
    if (is_self_made(node)) return cycle(node, dag_.outputs(node, rules_).front());
  return std::nullopt;
}

Error DagSelection::cycle(NodeId node, FileId file) const {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  return rule_error(rule.rule,
                    "rule " + rule.rule.name +
                        " needs, directly or indirectly, its own output: a cycle through the file " +
                        one_line(dag_.files.view(file)),
                    "Constrain the wildcards of its output so that they do not match its input.");
}

}  // namespace furrow::workflow
