#include "workflow/dag/dag_selection.hpp"

#include <algorithm>

#include "base/printable.hpp"
#include "base/strings.hpp"
#include "workflow/dag/nested_outputs.hpp"

namespace furrow::workflow {

DagSelection::DagSelection(Dag& dag, const RuleSet& rules, const RuleIndex& index, FileStates& states,
                           const std::vector<FileId>& needed, const Choices& choices,
                           const NamedProducers& named, const FailedNodes& failed)
    : dag_(dag),
      rules_(rules),
      index_(index),
      states_(states),
      needed_(needed),
      choices_(choices),
      named_(named),
      failed_(failed),
      errors_(dag, rules, index, choices, named, failed,
              [this](NodeId user, FileId file) { return can_take(user, file); }) {}

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
  std::vector<NodeId> able;  // jobs that have all their inputs
  const auto get_input = [&](NodeId user) {
    if (--missing_[user] == 0) able.push_back(user);
  };
  // Jobs that name the rule that makes FILE get it from a job of that rule alone, or as it is.
  std::set<std::pair<NodeId, FileId>> named_inputs;
  const auto give_named = [&](FileId file, RuleId rule) {
    for (const NamedProducer& named : named_.of(file)) {
      const auto wanted = named_.binding(named.user, file);
      if (!wanted || (rule != kNoRule && rule != *wanted) || !named_inputs.emplace(named.user, file).second)
        continue;
      const auto inputs = dag_.inputs(named.user);
      for (auto count = std::count(inputs.begin(), inputs.end(), file); count > 0; --count)
        get_input(named.user);
    }
  };
  const auto make_feasible = [&](NodeId node) {
    if (failed_.contains(node) || is_self_made(dag_, rules_, node)) return;
    feasible_[node] = 1;
    for (const FileId file : dag_.outputs(node, rules_)) {
      make_available(file);
      if (named_.any()) give_named(file, dag_.node(node).rule);
    }
  };
  // A job may also be needed for its log, which is not an output of the node. Such files are checked through
  // their candidates.
  std::vector<FileId> by_log;
  for (const FileId file : needed_) {
    if (states_.exists(file)) {
      make_available(file);
      give_named(file, kNoRule);
    }
    for (const NodeId node : candidates(dag_, choices_, file)) {
      const auto outputs = dag_.outputs(node, rules_);
      if (std::find(outputs.begin(), outputs.end(), file) == outputs.end()) by_log.push_back(file);
    }
  }
  for (NodeId node = 0; node < dag_.size(); ++node) {
    if (dag_.node(node).input_count == 0) able.push_back(node);
  }
  for (bool again = true; again;) {
    while (!queue.empty() || !able.empty()) {
      if (!able.empty()) {
        const NodeId node = able.back();
        able.pop_back();
        make_feasible(node);
        continue;
      }
      const FileId file = queue.back();
      queue.pop_back();
      for (std::uint32_t i = consumers_first_[file]; i < consumers_first_[file + 1]; ++i) {
        if (!named_.binding(consumers_[i], file)) get_input(consumers_[i]);
      }
    }
    for (const FileId file : by_log) {
      const auto nodes = candidates(dag_, choices_, file);
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
    const auto nodes = candidates(dag_, choices_, file);
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

// USER: the job that takes FILE; kNoNode for a target.
Result<NodeId> DagSelection::best_for(NodeId user, FileId file, bool allow_ambiguity) const {
  std::vector<NodeId> able = candidates(dag_, choices_, named_, user, file);
  std::erase_if(able, [&](NodeId n) { return !feasible_[n]; });
  auto best = best_of(able, rules_, [&](NodeId n) { return dag_.node(n).rule; });
  if (best.size() > 1 && named_.any()) {
    const auto is_named = [&](NodeId n) {
      const auto names = named_.of(file);
      return std::any_of(names.begin(), names.end(),
                         [&](const auto& named) { return named.rule == dag_.node(n).rule; });
    };
    const auto named = std::stable_partition(best.begin(), best.end(), is_named);
    if (named != best.begin()) best.erase(named, best.end());
  }
  if (best.size() > 1 && !allow_ambiguity) {
    return fail(errors_.ambiguous(file, best[0], best[1]));
  }
  return best.empty() ? kNoNode : best.front();
}

Result<void> DagSelection::choose(NodeId user, FileId file, bool allow_ambiguity) {
  const bool is_first = !std::exchange(chosen_[file], 1);
  if (all_feasible_) return {};
  const bool is_named = named_.any() && !named_.of(file).empty();
  if (!is_first && !is_named) return {};
  const NodeId best = FURROW_TRY(best_for(user, file, allow_ambiguity));
  if (is_named) {
    const auto taken = taken_.emplace(file, std::pair(user, best)).first->second;
    if (taken.second != best) return fail(errors_.two_producers(file, taken, {user, best}));
    if (!is_first) return {};
  }
  if (file >= dag_.producer_.size()) dag_.producer_.resize(dag_.files.size(), kNoNode);
  dag_.producer_[file] = best;
  return {};
}

Result<void> DagSelection::select(bool allow_ambiguity) {
  mark_.assign(dag_.size(), 0);
  chosen_.assign(dag_.files.size(), 0);
  dag_.order_.clear();
  for (const FileId file : dag_.target_files_) {
    const std::vector<NodeId> nodes =
        candidates(dag_, choices_, file);  // choose() below may replace them by one, or by none
    FURROW_TRY(choose(kNoNode, file, allow_ambiguity));
    if (const NodeId node = dag_.producer(file); node != kNoNode) {
      dag_.targets_.push_back(node);
      continue;
    }
    if (!nodes.empty()) return fail(errors_.explain(nodes.front()));
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
    if (!all_feasible_ && !feasible_[node]) return fail(errors_.explain(node));
    FURROW_TRY(visit(node, allow_ambiguity));
  }
  if (has_opened_circles_) drop_unneeded();
  take_from_chosen_jobs();
  return check_nested_outputs(dag_, rules_);
}

// The chosen jobs that have FILE among their outputs.
template <class IsChosen>
std::vector<NodeId> DagSelection::makers(FileId file, IsChosen is_chosen) const {
  const auto choice = choices_.find(file);
  if (choice == choices_.end()) return {};
  std::vector<NodeId> nodes = choice->second.made;
  std::erase_if(nodes, [&](NodeId node) {
    const auto outputs = dag_.outputs(node, rules_);
    return !is_chosen(node) || std::find(outputs.begin(), outputs.end(), file) == outputs.end();
  });
  return nodes;
}

// A file that nobody needs comes from the chosen job that makes it, not from one that was rejected. Returns a file that
// two chosen jobs make, if there is one.
std::optional<FileId> DagSelection::take_from_chosen_jobs() {
  std::optional<FileId> shared;
  if (choices_.empty()) return shared;
  std::vector<char> is_chosen(dag_.size(), 0);
  for (const NodeId node : dag_.order_) is_chosen[node] = 1;
  for (const auto& [file, choice] : choices_) {
    if (choice.made.size() < 2) continue;
    const std::vector<NodeId> nodes = makers(file, [&](NodeId node) { return is_chosen[node]; });
    if (!nodes.empty() && !(file < chosen_.size() && chosen_[file])) dag_.producer_[file] = nodes.front();
    if (nodes.size() > 1 && (!shared || file < *shared)) shared = file;
  }
  return shared;
}

Result<void> DagSelection::check_shared_outputs() {
  const std::optional<FileId> shared = take_from_chosen_jobs();
  if (!shared) return {};
  std::vector<NodeId> nodes = makers(*shared, [](NodeId) { return true; });
  std::erase_if(nodes, [&](NodeId node) {
    return std::find(dag_.order_.begin(), dag_.order_.end(), node) == dag_.order_.end();
  });
  return fail(errors_.shared_output(*shared, nodes[0], nodes[1]));
}

// The same for jobs that the graph has got as it grew.
Result<void> DagSelection::check_shared_outputs(std::span<const NodeId> added) {
  if (choices_.empty()) return {};
  for (const NodeId node : added) {
    for (const FileId file : dag_.outputs(node, rules_)) {
      const std::vector<NodeId> nodes = makers(file, [&](NodeId maker) { return mark_[maker] == 2; });
      if (!nodes.empty() && !chosen_[file]) dag_.producer_[file] = nodes.front();
      if (nodes.size() > 1) return fail(errors_.shared_output(file, nodes[0], nodes[1]));
    }
  }
  return {};
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
    FURROW_TRY(choose(top.node, file, allow_ambiguity));
    const NodeId node = dag_.producer(file);
    if (node == kNoNode || mark_[node] == 2) continue;
    if (mark_[node] == 1) {
      Error error = errors_.cycle(top.node, file);
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
  const auto nodes = candidates(dag_, choices_, file);
  available_[file] =
      states_.exists(file) || std::any_of(nodes.begin(), nodes.end(), [&](NodeId n) { return feasible_[n]; });
  return available_[file];
}

// Whether the job USER can get FILE.
bool DagSelection::can_take(NodeId user, FileId file) const {
  if (!named_.binding(user, file)) return available_[file];
  const auto nodes = candidates(dag_, choices_, named_, user, file);
  return states_.exists(file) ||
         std::any_of(nodes.begin(), nodes.end(), [&](NodeId n) { return feasible_[n]; });
}

// As spread(), for the jobs from FIRST_NEW on and those that have CHANGED.
void DagSelection::extend(NodeId first_new, std::span<const NodeId> changed) {
  make_room(first_new);
  std::vector<NodeId> nodes(changed.begin(), changed.end());
  for (NodeId node = first_new; node < dag_.size(); ++node) nodes.push_back(node);
  for (const NodeId node : nodes) {
    feasible_[node] = 0;
    for (const FileId file : dag_.inputs(node)) {
      if (candidates(dag_, choices_, file).empty()) available_[file] = 0;
    }
  }
  std::vector<std::pair<FileId, NodeId>> users;  // of what is missing
  std::vector<NodeId> queue;
  for (const NodeId node : nodes) {
    missing_[node] = 0;
    for (const FileId file : dag_.inputs(node)) {
      if (!is_available(file) || !can_take(node, file)) users.emplace_back(file, node);
    }
  }
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  for (const auto& [file, node] : users) ++missing_[node];
  for (const NodeId node : nodes) {
    if (missing_[node] == 0) queue.push_back(node);
  }
  std::set<std::pair<NodeId, FileId>> named_inputs;  // that are no longer missing
  const auto make_available = [&](FileId file) {
    const bool is_new = !std::exchange(available_[file], 1);
    for (auto user = std::lower_bound(users.begin(), users.end(), std::pair(file, NodeId{0}));
         (is_new || named_.any()) && user != users.end() && user->first == file; ++user) {
      const bool is_named = named_.binding(user->second, file).has_value();
      if (is_named ? can_take(user->second, file) && named_inputs.emplace(user->second, file).second
                   : is_new) {
        if (--missing_[user->second] == 0) queue.push_back(user->second);
      }
    }
  };
  for (bool again = true; again;) {
    while (!queue.empty()) {
      const NodeId node = queue.back();
      queue.pop_back();
      if (failed_.contains(node) || is_self_made(dag_, rules_, node)) continue;
      feasible_[node] = 1;
      for (const FileId file : dag_.outputs(node, rules_)) make_available(file);
    }
    for (const auto& [file, user] : users) {  // logs and benchmarks are no outputs
      if (available_[file]) continue;
      const auto makers = candidates(dag_, choices_, file);
      if (std::any_of(makers.begin(), makers.end(), [&](NodeId n) { return feasible_[n]; }))
        make_available(file);
    }
    again = !queue.empty();
  }
}

Result<void> DagSelection::add(NodeId changed, bool allow_ambiguity, std::vector<NodeId>& added) {
  if (!feasible_[changed]) return fail(errors_.explain(changed));
  const std::size_t before = dag_.order_.size();
  const auto visit_inputs = [&]() -> Result<void> {
    for (const FileId file : dag_.inputs(changed)) {
      FURROW_TRY(choose(changed, file, allow_ambiguity));
      const NodeId node = dag_.producer(file);
      if (node == changed) return fail(errors_.cycle(changed, file));
      if (node != kNoNode) FURROW_TRY(visit(node, allow_ambiguity));
    }
    return {};
  };
  auto visited = visit_inputs();
  const auto first = dag_.order_.begin() + static_cast<std::ptrdiff_t>(before);
  added.insert(added.end(), first, dag_.order_.end());
  if (!visited) return visited;
  const auto check = [&]() -> Result<void> {
    const std::span<const NodeId> nodes(first, dag_.order_.end());
    if (!allow_ambiguity) FURROW_TRY(check_shared_outputs(nodes));
    return check_nested_outputs(dag_, rules_, nodes);
  };
  auto checked = check();
  if (!checked) {  // none of them may run
    forget({first, dag_.order_.end()});
    added.resize(added.size() - (dag_.order_.size() - before));
    dag_.order_.resize(before);
  }
  return checked;
}

void DagSelection::sort() {
  mark_.assign(dag_.size(), 0);
  dag_.order_.clear();
  for (const NodeId node : dag_.targets_) (void)visit(node, true);
  has_grown_ = false;  // the order may be cut before it grows again
}

std::optional<Error> DagSelection::any_cycle() const {
  if (opened_) return opened_;
  for (NodeId node = 0; node < dag_.size(); ++node)
    if (is_self_made(dag_, rules_, node)) return errors_.cycle(node, dag_.outputs(node, rules_).front());
  return std::nullopt;
}

}  // namespace furrow::workflow
