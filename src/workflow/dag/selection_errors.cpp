#include "workflow/dag/selection_errors.hpp"

#include <algorithm>
#include <unordered_set>

#include "base/printable.hpp"
#include "base/strings.hpp"
#include "workflow/dag/missing_hints.hpp"

namespace furrow::workflow {

namespace {

bool is_before_update(std::string_view path) {
  static const std::string relative = name_before_update(""), absolute = name_before_update("/");
  return path.starts_with(relative) || path.starts_with(absolute);
}

std::string shown(std::string_view path) {
  return is_before_update(path) ? one_line(plain_name(path, kBeforeUpdate)) + ", as it is before its update"
                                : one_line(path);
}

}  // namespace

SelectionErrors::SelectionErrors(const Dag& dag, const RuleSet& rules, const RuleIndex& index,
                                 const Choices& choices, const NamedProducers& named,
                                 const FailedNodes& failed, CanTake can_take)
    : dag_(dag),
      rules_(rules),
      index_(index),
      choices_(choices),
      named_(named),
      failed_(failed),
      can_take_(std::move(can_take)) {}

// FIRST and SECOND: jobs that could make FILE.
Error SelectionErrors::ambiguous(FileId file, NodeId first, NodeId second) const {
  const CompiledRule& a = rules_[dag_.node(first).rule];
  const CompiledRule& b = rules_[dag_.node(second).rule];
  return rule_error(a.rule,
                    "rules " + a.rule.name + " and " + b.rule.name + " are ambiguous for the file " +
                        one_line(dag_.files.view(file)) + ": both can make it (" + a.rule.name + " with " +
                        one_line(show_wildcards(a, dag_.values(first, rules_))) + "; " + b.rule.name +
                        " with " + one_line(show_wildcards(b, dag_.values(second, rules_))) + ")",
                    "Say which goes first with \"ruleorder: " + a.rule.name + " > " + b.rule.name +
                        "\", or where it is needed with \"input: rules." + a.rule.name +
                        ".output\"; constrain their wildcards, or give --allow-ambiguity.");
}

// FIRST and SECOND: jobs that both make FILE.
Error SelectionErrors::shared_output(FileId file, NodeId first, NodeId second) const {
  const auto said = [&](NodeId node) {
    const CompiledRule& rule = rules_[dag_.node(node).rule];
    const std::string wildcards = one_line(show_wildcards(rule, dag_.values(node, rules_)));
    return rule.rule.name + (wildcards.empty() ? "" : " with " + wildcards) + ", " + rule.rule.file + ":" +
           std::to_string(rule.rule.line);
  };
  const CompiledRule& a = rules_[dag_.node(first).rule];
  const CompiledRule& b = rules_[dag_.node(second).rule];
  return rule_error(
      a.rule,
      (&a == &b ? "rule " + a.rule.name + " is" : "rules " + a.rule.name + " and " + b.rule.name + " are") +
          " ambiguous for the file " + one_line(dag_.files.view(file)) + ": two jobs of this run make it (" +
          said(first) + "; " + said(second) + "), and whichever ends last would win",
      "Let each job write a file of its own, or ask for the files of one of them only. With "
      "--allow-ambiguity both run.");
}

Error SelectionErrors::explain(NodeId node) const {
  std::vector<char> seen(dag_.size(), 0);
  seen[node] = 1;
  if (const auto error = failed_.find(node); error != failed_.end()) return error->second;
  if (is_self_made(dag_, rules_, node)) return cycle(node, dag_.outputs(node, rules_).front());
  for (const FileId file : dag_.inputs(node)) {
    if (!can_take_(node, file)) return explain_file(file, node, seen);
  }
  return rule_error(rules_[dag_.node(node).rule].rule, "this rule cannot run");
}

// Follows missing files down to one that no rule makes.
Error SelectionErrors::explain_file(FileId file, NodeId wanted_by, std::vector<char>& seen) const {
  for (;;) {
    const auto choice = choices_.find(file);
    const std::vector<NodeId> nodes = candidates(dag_, choices_, named_, wanted_by, file);
    if (nodes.empty()) {
      if (choice != choices_.end() && !choice->second.errors.empty()) return choice->second.errors.front();
      return missing_inputs(wanted_by);
    }
    const NodeId node = nodes.front();
    if (const auto error = failed_.find(node); error != failed_.end()) return error->second;
    if (seen[node] || is_self_made(dag_, rules_, node)) return cycle(node, file);
    seen[node] = 1;
    const auto inputs = dag_.inputs(node);
    const auto missing =
        std::find_if(inputs.begin(), inputs.end(), [&](FileId f) { return !can_take_(node, f); });
    if (missing == inputs.end()) return rule_error(rules_[dag_.node(node).rule].rule, "this rule cannot run");
    wanted_by = node;
    file = *missing;
  }
}

Error SelectionErrors::missing_inputs(NodeId node) const {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  std::vector<std::string> missing;
  for (const FileId file : dag_.inputs(node)) {
    if (!can_take_(node, file) && candidates(dag_, choices_, named_, node, file).empty())
      missing.emplace_back(dag_.files.view(file));
  }
  const std::string wildcards = one_line(show_wildcards(rule, dag_.values(node, rules_)));
  std::string text = "missing input files for rule " + rule.rule.name +
                     (wildcards.empty() ? "" : " (" + wildcards + ")") + ":";
  for (std::size_t i = 0; i < missing.size() && i < 10; ++i) text += "\n    " + shown(missing[i]);
  if (missing.size() > 10) text += "\n    ... and " + std::to_string(missing.size() - 10) + " more";
  return rule_error(rule.rule, text, missing.empty() ? std::string() : hint_for_missing(missing.front()));
}

std::string SelectionErrors::hint_for_missing(const std::string& name) const {
  if (is_before_update(name))
    return "A file must be there, or another rule must make it, before a rule can update it.";
  if (const auto [folder, rule] = folder_above(name, index_, rules_); !folder.empty())
    return "Rule " + rule + " makes the folder " + folder +
           " as a whole: name the folder as input, and the file in the command.";
  if (const auto [first, second] = joined_names(name, index_); !first.empty())
    return "It looks like \"" + first + "\" and \"" + second + "\" in one: is a comma missing between them?";
  const std::string near = index_.nearest_pattern(name);
  return near.empty() ? "No rule makes them, and they do not exist."
                      : "No rule makes them; the nearest output is \"" + near + "\".";
}

// FIRST and SECOND: a job that takes FILE, and the job that it takes it from.
Error SelectionErrors::two_producers(FileId file, std::pair<NodeId, NodeId> first,
                                     std::pair<NodeId, NodeId> second) const {
  const auto said = [&](const std::pair<NodeId, NodeId>& taken) {
    const auto [user, maker] = taken;
    const std::string what =
        maker == kNoNode ? "as it is" : "from rule " + rules_[dag_.node(maker).rule].rule.name;
    if (user == kNoNode) return "as a target it comes " + what;
    const Rule& rule = rules_[dag_.node(user).rule].rule;
    const std::string why = named_.binding(user, file) ? ", which its input names" : "";
    return "rule " + rule.name + " takes it " + what + why;
  };
  return rule_error(
      rules_[dag_.node(first.first == kNoNode ? second.first : first.first).rule].rule,
      "two jobs would make " + one_line(dag_.files.view(file)) + ": " + said(first) + "; " + said(second),
      "Let all name the same rule, as in \"input: rules.x.output\", or change the ruleorder.");
}

Error SelectionErrors::cycle(NodeId node, FileId file) const {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  return rule_error(
      rule.rule,
      "rule " + rule.rule.name + " needs, directly or indirectly, its own output: a cycle through the file " +
          one_line(dag_.files.view(file)) + around(node),
      rule.wildcards.empty() ? "One of these rules must read another file."
                             : "Constrain the wildcards of its output so that they do not match its input.");
}

// The shortest way from NODE back to NODE, as text; empty if it is not known or long.
std::string SelectionErrors::around(NodeId node) const {
  constexpr std::size_t kMostJobs = 1000, kMostShown = 6;
  struct Step {
    NodeId node;
    FileId file;         // that it makes
    std::size_t before;  // the step that needs it
  };
  std::vector<Step> steps{{node, StringTable::kNone, 0}};
  std::unordered_set<NodeId> seen;
  for (std::size_t at = 0; at < steps.size() && steps.size() < kMostJobs; ++at) {
    for (const FileId file : dag_.inputs(steps[at].node)) {
      for (const NodeId maker : candidates(dag_, choices_, named_, steps[at].node, file)) {
        if (maker != node) {
          if (seen.insert(maker).second) steps.push_back({maker, file, at});
          continue;
        }
        std::vector<std::string> way{"needs " + one_line(dag_.files.view(file)) + " of rule " +
                                     name_of(node)};
        for (std::size_t i = at; i != 0; i = steps[i].before) {
          way.push_back("needs " + one_line(dag_.files.view(steps[i].file)) + " of rule " +
                        name_of(steps[i].node));
        }
        if (way.size() == 1 || way.size() > kMostShown) return {};
        std::reverse(way.begin(), way.end());
        return " (rule " + name_of(node) + " " + join(way, ", which ") + ")";
      }
    }
  }
  return {};
}

const std::string& SelectionErrors::name_of(NodeId node) const {
  return rules_[dag_.node(node).rule].rule.name;
}

}  // namespace furrow::workflow
