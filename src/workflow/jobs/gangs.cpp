#include "workflow/jobs/gangs.hpp"

#include <algorithm>
#include <map>

#include "base/strings.hpp"
#include "workflow/dag/identity.hpp"

namespace furrow::workflow {

namespace {

FileFlags passing_flags(const CompiledRule& rule) {
  FileFlags flags = 0;
  for (const Template& output : rule.outputs) flags |= output.flags & kPassing;
  return flags;
}

const char* kind_of(FileFlags flag) { return flag & kPipe ? "pipe" : "service"; }

}  // namespace

Gangs::Gangs(const Dag& dag, const RuleSet& rules, const Consumers& consumers)
    : dag_(dag), rules_(rules), consumers_(consumers) {
  for (RuleId id = 0; id < rules.size(); ++id) {
    has_passing_.push_back(passing_flags(rules[id]) != 0);
    is_used_ |= has_passing_.back() != 0;
  }
}

const Gangs::Gang* Gangs::of(NodeId node) const {
  const std::uint32_t index = index_of(node);
  return index == kNone ? nullptr : &gangs_[index];
}

bool Gangs::has_passing_outputs(NodeId node) const { return has_passing_[dag_.node(node).rule] != 0; }

std::string Gangs::title(NodeId node) const {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const std::string wildcards = show_wildcards(rule, dag_.values(node, rules_));
  return wildcards.empty() ? rule.rule.name : rule.rule.name + " (" + wildcards + ")";
}

// ---- one job and those that use what it passes on

// What a job of a gang cannot have.
Result<void> Gangs::check_rule(NodeId node) const {
  const Rule& rule = rules_[dag_.node(node).rule].rule;
  const std::string runs = "rule " + rule.name + " has a pipe or a service as an input or an output";
  if (!rule.shadow.empty())
    return fail(rule_error(rule, runs + ", and a shadow folder: it would not find it there",
                           "Leave shadow: out, or put an ordinary file in between."));
  if (rule.repeats > 1)
    return fail(rule_error(rule, runs + ", so that it cannot run several times for benchmark: repeat(...)",
                           "Leave repeat() out."));
  return {};
}

Result<void> Gangs::check_users(NodeId node, FileId file, FileFlags flag,
                                const std::vector<NodeId>& users) const {
  const Rule& rule = rules_[dag_.node(node).rule].rule;
  const std::string what =
      std::string(kind_of(flag)) + "(" + std::string(dag_.files.view(file)) + ") of rule " + rule.name;
  if (users.empty())
    return fail(rule_error(rule, what + (flag & kPipe ? " is read by no job" : " is used by no job"),
                           flag & kPipe
                               ? "What goes through a pipe is not kept: ask for a file that is made from it."
                               : "A service runs only for other jobs: ask for a file that is made with it."));
  for (const NodeId user : users) {
    const Rule& using_rule = rules_[dag_.node(user).rule].rule;
    if (using_rule.kind == RuleKind::kNone)
      return fail(rule_error(using_rule,
                             what + " is an input of rule " + using_rule.name + ", which executes nothing",
                             "Ask for a file that is made from it."));
    const std::string own_group =
        fill_wildcards(rule.group, rules_[dag_.node(node).rule].wildcards, dag_.values(node, rules_));
    const std::string its_group =
        fill_wildcards(using_rule.group, rules_[dag_.node(user).rule].wildcards, dag_.values(user, rules_));
    if (!own_group.empty() && !its_group.empty() && own_group != its_group)
      return fail(rule_error(rule,
                             what + " connects jobs of the groups " + own_group + " and " + its_group +
                                 ", which do not run together",
                             "Give both rules the same group, or none."));
    FURROW_TRY(check_rule(user));
  }
  if (flag & kPipe && users.size() > 1)
    return fail(rule_error(
        rule, what + " is read by more than one job: " + title(users[0]) + " and " + title(users[1]),
        "What one of them reads, the other does not get: make a pipe for each of them, or "
        "leave pipe() out."));
  return {};
}

// Appends the jobs that use what NODE passes on.
Result<void> Gangs::link(NodeId node, const MustRun& must_run, Links& links) const {
  if (!has_passing_outputs(node)) return {};
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  if (rule.rule.is_checkpoint)
    return fail(rule_error(rule.rule,
                           "checkpoint " + rule.rule.name + " has a pipe or a service as an output",
                           "Functions wait for its outputs: let the checkpoint make ordinary files."));
  FURROW_TRY(check_rule(node));
  const auto outputs = dag_.outputs(node, rules_);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto flag = static_cast<FileFlags>(rule.outputs[i].flags & kPassing);
    if (flag == 0) continue;
    std::vector<NodeId> users;
    consumers_.for_each(node, [&](const Consumers::Edge& edge) {
      if (edge.file != outputs[i] || !must_run(edge.consumer)) return;
      if (std::find(users.begin(), users.end(), edge.consumer) == users.end()) users.push_back(edge.consumer);
    });
    FURROW_TRY(check_users(node, outputs[i], flag, users));
    for (const NodeId user : users) links.emplace_back(node, user);
  }
  return {};
}

// ---- gangs

// Each job comes after those of the gang whose pipes or services it uses.
void Gangs::put_in_order(Gang& gang) const {
  std::vector<NodeId> ordered;
  std::set<NodeId> placed;
  const std::set<NodeId> all(gang.nodes.begin(), gang.nodes.end());
  while (ordered.size() < all.size()) {
    const std::size_t before = ordered.size();
    for (const NodeId node : all) {
      if (placed.contains(node)) continue;
      const auto inputs = dag_.inputs(node);
      const bool waits = std::any_of(inputs.begin(), inputs.end(), [&](FileId file) {
        const NodeId made_by = dag_.producer(file);
        return made_by != node && all.contains(made_by) && !placed.contains(made_by);
      });
      if (waits) continue;
      placed.insert(node);
      ordered.push_back(node);
    }
    if (ordered.size() == before) break;  // a cycle, which is reported elsewhere
  }
  gang.nodes = std::move(ordered);
}

Result<void> Gangs::join(const Links& links, const MustRun& must_run) {
  if (links.empty()) return {};
  of_.resize(dag_.size(), kNone);
  std::set<std::uint32_t> changed;
  for (const auto& [maker, user] : links) {
    std::uint32_t into = of_[maker];
    if (into == kNone) {
      into = of_[user] != kNone ? of_[user] : static_cast<std::uint32_t>(gangs_.size());
      if (into == gangs_.size()) gangs_.emplace_back();
      of_[maker] = into;
      gangs_[into].nodes.push_back(maker);
    }
    const std::uint32_t other = of_[user];
    if (other == kNone) {
      of_[user] = into;
      gangs_[into].nodes.push_back(user);
    } else if (other != into) {
      Gang& moved = gangs_[other];
      for (const NodeId node : moved.nodes) of_[node] = into;
      gangs_[into].nodes.insert(gangs_[into].nodes.end(), moved.nodes.begin(), moved.nodes.end());
      gangs_[into].serves.insert(gangs_[into].serves.end(), moved.serves.begin(), moved.serves.end());
      moved = {};
      changed.erase(other);
    }
    changed.insert(into);
  }
  for (const auto& [maker, user] : links) {
    bool serves = false;
    for (const FileId file : dag_.inputs(user))
      serves |= dag_.producer(file) == maker && (dag_.output_flags(file, rules_) & kService);
    auto& all = gangs_[of_[maker]].serves;
    if (serves && std::find(all.begin(), all.end(), std::pair(maker, user)) == all.end())
      all.emplace_back(maker, user);
  }
  for (const std::uint32_t index : changed) {
    put_in_order(gangs_[index]);
    FURROW_TRY(check_gang(index, must_run));
  }
  return {};
}

// Nothing that a job of a gang waits for may need another job of the gang: that ends only after both have run.
Result<void> Gangs::check_gang(std::uint32_t index, const MustRun& must_run) const {
  std::map<NodeId, NodeId> found;  // a job that the gang waits for, and the job of the gang that needs it
  std::uint32_t first = kNone;     // what comes before it needs none of the gang
  for (const NodeId node : gangs_[index].nodes) first = places_.empty() ? 0 : std::min(first, places_[node]);
  std::vector<NodeId> open;
  for (const NodeId node : gangs_[index].nodes) {
    for (const FileId file : dag_.inputs(node)) {
      const NodeId made_by = dag_.producer(file);
      if (made_by == kNoNode || made_by == node || !must_run(made_by)) continue;
      if (index_of(made_by) != index) {
        if (found.emplace(made_by, node).second) open.push_back(made_by);
        continue;
      }
      if (dag_.output_flags(file, rules_) & kPassing) continue;
      const Rule& rule = rules_[dag_.node(node).rule].rule;
      return fail(rule_error(rule,
                             "job " + title(node) + " needs " + std::string(dag_.files.view(file)) +
                                 ", which " + title(made_by) +
                                 " makes while both run at once, because of a pipe or a service",
                             "Make the file another rule's output, or leave pipe() or service() out."));
    }
  }
  while (!open.empty()) {
    const NodeId node = open.back();
    open.pop_back();
    const NodeId member = found.at(node);
    const std::uint32_t other = index_of(node);
    const std::vector<NodeId> alone{node};
    for (const NodeId needing : other == kNone ? alone : gangs_[other].nodes) {
      for (const FileId file : dag_.inputs(needing)) {
        const NodeId made_by = dag_.producer(file);
        if (made_by == kNoNode || !must_run(made_by) || (other != kNone && index_of(made_by) == other))
          continue;
        if (index_of(made_by) != index) {
          const bool may_need_it = places_.empty() || places_[made_by] >= first || index_of(made_by) != kNone;
          if (may_need_it && found.emplace(made_by, member).second) open.push_back(made_by);
          continue;
        }
        const Rule& rule = rules_[dag_.node(member).rule].rule;
        return fail(rule_error(
            rule,
            "job " + title(member) + " can never start: it waits for " + title(needing) +
                ", which waits for " + title(made_by) + ", and that is to run at the same time as " +
                title(member) + ", because of a pipe or a service",
            "Leave pipe() or service() out, or make what stands between them another way."));
      }
    }
  }
  return {};
}

Result<void> Gangs::find(const MustRun& must_run) {
  if (!is_used_) return {};
  Links links;
  places_.resize(dag_.size(), 0);
  std::uint32_t place = 0;
  for (const NodeId node : dag_.order()) {
    places_[node] = place++;
    if (must_run(node)) FURROW_TRY(link(node, must_run, links));
  }
  auto joined = join(links, must_run);
  places_.clear();
  return joined;
}

std::vector<std::pair<NodeId, Error>> Gangs::extend(std::span<const NodeId> nodes, const MustRun& must_run) {
  std::vector<std::pair<NodeId, Error>> failed;
  if (!is_used_) return failed;
  std::set<NodeId> makers;
  for (const NodeId node : nodes) {
    if (!must_run(node)) continue;
    if (has_passing_outputs(node)) makers.insert(node);
    for (const FileId file : dag_.inputs(node)) {
      const NodeId made_by = dag_.producer(file);
      if (made_by != kNoNode && must_run(made_by) && (dag_.output_flags(file, rules_) & kPassing))
        makers.insert(made_by);
    }
  }
  for (const NodeId maker : makers) {
    Links links;
    Result<void> joined = link(maker, must_run, links);
    if (joined) joined = join(links, must_run);
    if (joined) continue;
    failed.emplace_back(maker, joined.error());
    consumers_.for_each(maker, [&](const Consumers::Edge& edge) {
      if ((dag_.output_flags(edge.file, rules_) & kPassing) && must_run(edge.consumer))
        failed.emplace_back(edge.consumer, joined.error());
    });
  }
  return failed;
}

}  // namespace furrow::workflow
