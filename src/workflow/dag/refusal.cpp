#include "workflow/dag/refusal.hpp"

#include <algorithm>
#include <map>

#include "base/strings.hpp"

namespace furrow::workflow {

namespace {

constexpr std::size_t kMaxShown = 10;

bool has_remote_file(const Dag& dag, const CompiledRule& rule, NodeId node) {
  const auto flags = dag.input_flags(node);
  const auto is_remote = [](const Template& t) { return (t.flags & kRemote) != 0; };
  return std::any_of(flags.begin(), flags.end(), [](FileFlags f) { return (f & kRemote) != 0; }) ||
         std::any_of(rule.outputs.begin(), rule.outputs.end(), is_remote);
}

}  // namespace

std::string refusal_of(const Dag& dag, const RuleSet& rules, NodeId node) {
  const CompiledRule& rule = rules[dag.node(node).rule];
  if (!rule.rule.not_yet.empty()) return rule.rule.not_yet;
  if (rule.rule.kind == RuleKind::kNone && rule.outputs.empty()) return {};  // it only names what is wanted
  return has_remote_file(dag, rule, node) ? "remote files are not supported yet" : std::string();
}

std::string show_refusals(const Dag& dag, const RuleSet& rules, const std::function<bool(NodeId)>& chosen) {
  std::size_t count = 0;
  std::map<std::string, std::string> reasons;  // by rule
  for (const NodeId node : dag.order()) {
    if (!chosen(node)) continue;
    std::string reason = refusal_of(dag, rules, node);
    if (reason.empty()) continue;
    ++count;
    reasons.try_emplace(rules[dag.node(node).rule].rule.name, std::move(reason));
  }
  if (count == 0) return {};
  std::vector<std::string> shown;
  for (const auto& [rule, reason] : reasons) {
    if (shown.size() == kMaxShown) break;
    shown.push_back("rule " + rule + ": " + reason);
  }
  if (reasons.size() > kMaxShown) shown.push_back("and " + count_of(reasons.size() - kMaxShown, "more rule"));
  return count_of(count, "job") + " cannot be run (" + join(shown, "; ") + ")";
}

}  // namespace furrow::workflow
