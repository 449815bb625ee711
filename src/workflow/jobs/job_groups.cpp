#include "workflow/jobs/job_groups.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/strings.hpp"
#include "workflow/dag/identity.hpp"

namespace furrow::workflow {

namespace {

// What is always submitted together: a part of a group, or a job in no group. Named by one of its nodes.
using UnitId = std::uint32_t;

bool has_tying_output(const CompiledRule& rule) {
  return std::any_of(rule.outputs.begin(), rule.outputs.end(),
                     [](const Template& output) { return output.flags & kTogether; });
}

class Finder {
 public:
  Finder(const Dag& dag, const RuleSet& rules, Evaluator& evaluator,
         const std::function<bool(NodeId)>& must_run)
      : dag_(dag),
        rules_(rules),
        evaluator_(evaluator),
        must_run_(must_run),
        names_(dag.size()),
        joined_(dag.size()) {
    std::iota(joined_.begin(), joined_.end(), 0);
  }

  bool has_groups() const;
  Result<void> name_all();
  Result<void> tie();
  Result<void> tie(const Gangs::Gang& gang);
  void join_neighbours();
  Result<void> find_depths();
  std::vector<JobGroups::Group> put_together(const std::map<std::string, std::size_t>& components);

 private:
  Result<void> ask(const std::vector<NodeId>& nodes);
  template <class Do>
  void for_each_needed(NodeId node, Do act) const;
  bool is_tying(NodeId made_by, FileId file) const;
  Result<void> name_tied(const std::vector<NodeId>& tied, const std::string& otherwise,
                         const std::string& why);
  UnitId unit_of(NodeId node);
  Error circle(const std::vector<std::uint32_t>& blockers);

  const Dag& dag_;
  const RuleSet& rules_;
  Evaluator& evaluator_;
  const std::function<bool(NodeId)>& must_run_;
  std::vector<std::string> names_;    // by node; empty: in no group
  std::vector<UnitId> joined_;        // by node: a union-find forest, whose roots name the units
  std::vector<std::uint32_t> depth_;  // by unit
};

bool Finder::has_groups() const {
  for (RuleId id = 0; id < rules_.size(); ++id) {
    if (rules_[id].rule.has_group_function || !rules_[id].rule.group.empty() || has_tying_output(rules_[id]))
      return true;
  }
  return false;
}

Result<void> Finder::name_all() {
  std::vector<NodeId> asked;
  for (const NodeId node : dag_.order()) {
    if (!must_run_(node)) continue;
    const CompiledRule& rule = rules_[dag_.node(node).rule];
    if (rule.rule.has_group_function) {
      asked.push_back(node);
    } else if (!rule.rule.group.empty()) {
      names_[node] = fill_wildcards(rule.rule.group, rule.wildcards, dag_.values(node, rules_));
    }
  }
  for (std::size_t begin = 0; begin < asked.size(); begin += kEvaluatorBatch) {
    const auto from = asked.begin() + static_cast<std::ptrdiff_t>(begin);
    const std::size_t count = std::min(kEvaluatorBatch, asked.size() - begin);
    if (auto done = ask({from, from + static_cast<std::ptrdiff_t>(count)}); !done) return done;
  }
  return {};
}

Result<void> Finder::ask(const std::vector<NodeId>& nodes) {
  std::vector<DetailQuestion> questions;
  for (const NodeId node : nodes) questions.push_back({.job = view_of(dag_, rules_, node), .group = true});
  auto answers = evaluator_.details(questions);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!answers[i])
      return fail(located(std::move(answers[i].error()), rules_[dag_.node(nodes[i]).rule].rule));
    names_[nodes[i]] = std::move(answers[i]->group);
  }
  return {};
}

bool Finder::is_tying(NodeId made_by, FileId file) const {
  const CompiledRule& rule = rules_[dag_.node(made_by).rule];
  if (!has_tying_output(rule)) return false;
  const auto outputs = dag_.outputs(made_by, rules_);
  const auto place = std::find(outputs.begin(), outputs.end(), file) - outputs.begin();
  return rule.outputs[static_cast<std::size_t>(place)].flags & kTogether;
}

// Jobs that share a file that ties them belong to one group, whatever its name. Local jobs and jobs that
// execute nothing are left out.
Result<void> Finder::tie() {
  std::set<NodeId> tied;
  for (const NodeId node : dag_.order()) {
    const Rule& rule = rules_[dag_.node(node).rule].rule;
    if (!must_run_(node) || rule.is_local || rule.kind == RuleKind::kNone) continue;
    for (const FileId file : dag_.inputs(node)) {
      const NodeId made_by = dag_.producer(file);
      if (made_by == kNoNode || made_by == node || !must_run_(made_by) || !is_tying(made_by, file)) continue;
      if (rules_[dag_.node(made_by).rule].rule.is_local) continue;
      joined_[unit_of(made_by)] = unit_of(node);
      tied.insert({made_by, node});
    }
  }
  std::map<UnitId, std::vector<NodeId>> units;
  for (const NodeId node : dag_.order()) {
    if (tied.contains(node)) units[unit_of(node)].push_back(node);
  }
  for (const auto& [unit, nodes] : units) {
    FURROW_TRY(name_tied(nodes, "temp-" + rules_[dag_.node(nodes.front()).rule].rule.name,
                         "share files flagged temp(..., group_jobs=True)"));
  }
  return {};
}

// Jobs that run at once.
Result<void> Finder::tie(const Gangs::Gang& gang) {
  if (gang.nodes.empty()) return {};
  for (const NodeId node : gang.nodes) joined_[unit_of(gang.nodes.front())] = unit_of(node);
  return name_tied(gang.nodes, "pipe-" + rules_[dag_.node(gang.nodes.front()).rule].rule.name,
                   "are connected by pipes or services");
}

Result<void> Finder::name_tied(const std::vector<NodeId>& tied, const std::string& otherwise,
                               const std::string& why) {
  std::map<std::string, std::string> named;  // group, rule
  for (const NodeId node : tied) {
    if (!names_[node].empty()) named.emplace(names_[node], rules_[dag_.node(node).rule].rule.name);
  }
  if (named.size() > 1) {
    const auto &first = *named.begin(), &second = *std::next(named.begin());
    return fail(Error{"rules " + first.second + " and " + second.second + " " + why +
                          ", and are of the groups " + first.first + " and " + second.first,
                      {},
                      0,
                      "Give them the same group, or none."});
  }
  for (const NodeId node : tied) names_[node] = named.empty() ? otherwise : named.begin()->first;
  return {};
}

// Calls ACT for each job that has to run before NODE.
template <class Do>
void Finder::for_each_needed(NodeId node, Do act) const {
  NodeId last = kNoNode;
  for (const FileId file : dag_.inputs(node)) {
    const NodeId made_by = dag_.producer(file);
    if (made_by == kNoNode || made_by == last || made_by == node || !must_run_(made_by)) continue;
    act(made_by);
    last = made_by;
  }
}

UnitId Finder::unit_of(NodeId node) {
  while (joined_[node] != node) node = joined_[node] = joined_[joined_[node]];
  return node;
}

void Finder::join_neighbours() {
  for (const NodeId node : dag_.order()) {
    if (names_[node].empty() || !must_run_(node)) continue;
    for_each_needed(node, [&](NodeId needed) {
      if (names_[needed] == names_[node]) joined_[unit_of(needed)] = unit_of(node);
    });
  }
}

// The length of the longest path to each unit; an error if units need each other.
Result<void> Finder::find_depths() {
  std::vector<std::uint32_t> blockers(dag_.size(), 0);
  std::vector<std::pair<UnitId, UnitId>> edges;  // needed, needs
  std::size_t left = 0;
  for (const NodeId node : dag_.order()) {
    if (!must_run_(node)) continue;
    left += unit_of(node) == node;
    for_each_needed(node, [&](NodeId needed) {
      if (unit_of(needed) == unit_of(node)) return;
      edges.emplace_back(unit_of(needed), unit_of(node));
      ++blockers[unit_of(node)];
    });
  }
  std::sort(edges.begin(), edges.end());
  depth_.assign(dag_.size(), 0);
  std::vector<UnitId> free;
  for (const NodeId node : dag_.order()) {
    if (must_run_(node) && unit_of(node) == node && blockers[node] == 0) free.push_back(node);
  }
  while (!free.empty()) {
    const UnitId unit = free.back();
    free.pop_back();
    --left;
    for (auto edge = std::lower_bound(edges.begin(), edges.end(), std::pair(unit, UnitId{0}));
         edge != edges.end() && edge->first == unit; ++edge) {
      depth_[edge->second] = std::max(depth_[edge->second], depth_[unit] + 1);
      if (--blockers[edge->second] == 0) free.push_back(edge->second);
    }
  }
  return left == 0 ? Result<void>{} : fail(circle(blockers));
}

// One of the blocked units needs itself: following the dependencies backwards from any of them ends in the
// cycle.
Error Finder::circle(const std::vector<std::uint32_t>& blockers) {
  std::map<UnitId, UnitId> needed_by;  // one of the blocked units that each blocked one needs
  for (const NodeId node : dag_.order()) {
    if (!must_run_(node) || blockers[unit_of(node)] == 0) continue;
    for_each_needed(node, [&](NodeId needed) {
      if (unit_of(needed) != unit_of(node) && blockers[unit_of(needed)] != 0)
        needed_by.emplace(unit_of(node), unit_of(needed));
    });
  }
  std::set<UnitId> seen;
  UnitId unit = needed_by.begin()->first;
  while (seen.insert(unit).second) unit = needed_by.at(unit);
  std::set<std::string> groups, outside;
  const UnitId first = unit;
  do {
    const Rule& rule = rules_[dag_.node(unit).rule].rule;
    if (names_[unit].empty()) {
      outside.insert(rule.name);
    } else {
      groups.insert(names_[unit]);
    }
    unit = needed_by.at(unit);
  } while (unit != first);
  const std::string named = join({groups.begin(), groups.end()}, " and ");
  if (outside.empty())
    return Error{"the groups " + named + " need each other's jobs, so that neither can be submitted first",
                 {},
                 0,
                 "Make them one group, or divide one of them."};
  const std::string rules = join({outside.begin(), outside.end()}, ", ");
  return Error{"group " + named + " needs itself: jobs of " + rules +
                   " stand between jobs of the group but are not in it, so that it can never be submitted",
               {},
               0,
               "Add " + rules + " to the group, or take the jobs before or after out of it."};
}

std::vector<JobGroups::Group> Finder::put_together(const std::map<std::string, std::size_t>& components) {
  struct Open {
    std::size_t group, parts;
  };
  std::vector<JobGroups::Group> groups;
  std::map<std::pair<std::string, std::uint32_t>, Open> open;  // by name and depth
  std::map<UnitId, std::size_t> of_unit;
  for (const NodeId node : dag_.order()) {
    if (names_[node].empty() || !must_run_(node)) continue;
    auto [place, is_new] = of_unit.try_emplace(unit_of(node), groups.size());
    if (is_new) {
      auto most = components.find(rules_[dag_.node(node).rule].rule.group);
      if (most == components.end()) most = components.find(names_[node]);
      const std::size_t parts = most == components.end() ? 1 : most->second;
      Open& last = open.try_emplace({names_[node], depth_[unit_of(node)]}, Open{0, parts}).first->second;
      if (last.parts == parts) {
        groups.push_back({names_[node], {}});
        last = {groups.size() - 1, 0};
      }
      ++last.parts;
      place->second = last.group;
    }
    groups[place->second].nodes.push_back(node);
  }
  return groups;
}

}  // namespace

Result<JobGroups> JobGroups::find(const Dag& dag, const RuleSet& rules, Evaluator& evaluator,
                                  const std::function<bool(NodeId)>& must_run,
                                  const std::map<std::string, std::size_t>& components,
                                  std::span<const Gangs::Gang> gangs) {
  JobGroups found;
  Finder finder(dag, rules, evaluator, must_run);
  if (!finder.has_groups() && gangs.empty()) return found;
  FURROW_TRY(finder.name_all());
  FURROW_TRY(finder.tie());
  for (const Gangs::Gang& gang : gangs) FURROW_TRY(finder.tie(gang));
  finder.join_neighbours();
  FURROW_TRY(finder.find_depths());
  found.groups_ = finder.put_together(components);
  std::erase_if(found.groups_, [](const Group& group) { return group.nodes.size() == 1; });
  found.of_.assign(dag.size(), kNone);
  for (std::uint32_t group = 0; group < found.groups_.size(); ++group) {
    for (const NodeId node : found.groups_[group].nodes) found.of_[node] = group;
  }
  return found;
}

}  // namespace furrow::workflow
