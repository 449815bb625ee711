#include "workflow/dag/identity.hpp"

#include "base/hash.hpp"
#include "os/files/files.hpp"

namespace furrow::workflow {

namespace {

std::string content_identity(const CompiledRule& rule) {
  if (rule.rule.script.empty()) return {};
  const auto hash = os::hash_file(rule.rule.script);
  return hash ? std::to_string(*hash) : "unreadable";
}

}  // namespace

std::uint64_t CodeHashes::of(const CompiledRule& rule) {
  const auto [place, is_new] = known_.try_emplace(rule.id, 0);
  if (is_new)
    place->second =
        hash64(rule.rule.code + '\0' + content_identity(rule), static_cast<std::uint64_t>(rule.rule.kind));
  return place->second;
}

std::string record_key(const Dag& dag, const RuleSet& rules, NodeId node) {
  const auto outputs = dag.outputs(node, rules);
  if (!outputs.empty()) return std::string(dag.files.view(outputs.front()));
  const CompiledRule& rule = rules[dag.node(node).rule];
  const auto values = dag.values(node, rules);
  return "rule:" + rule.rule.name + ":" + show_wildcards(rule, values);
}

JobView view_of(const Dag& dag, const RuleSet& rules, NodeId node) {
  const CompiledRule& rule = rules[dag.node(node).rule];
  const auto values = dag.values(node, rules);
  JobView view;
  view.rule = rule.id;
  for (std::size_t i = 0; i < values.size(); ++i) view.wildcards.emplace_back(rule.wildcards[i], values[i]);
  const auto inputs = dag.inputs(node);
  const auto flags = dag.input_flags(node);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    view.input.emplace_back(plain_name(dag.files.view(inputs[i]), flags[i]));
  for (const FileId file : dag.outputs(node, rules)) view.output.emplace_back(dag.files.view(file));
  for (const Template& log : rule.logs) view.log.push_back(log.filled(values));
  if (!rule.benchmarks.empty()) view.benchmark = rule.benchmarks.front().filled(values);
  if (const auto* shape = dag.shape(node)) view.input_shape = *shape;
  if (const auto* threads = std::get_if<std::int64_t>(&rule.rule.threads)) view.threads = *threads;
  for (const auto& [name, value] : rule.rule.resources) {
    if (!std::holds_alternative<FunctionValue>(value)) view.resources.emplace_back(name, value);
  }
  return view;
}

}  // namespace furrow::workflow
