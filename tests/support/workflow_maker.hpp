// Makes rules in one line each, and plans a workflow from them for some targets.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fake_evaluator.hpp"
#include "workflow/dag/dag_builder.hpp"

namespace furrow::support {

// rule("sort").output("{x}.sorted").input("{x}.txt")
class RuleMaker {
 public:
  explicit RuleMaker(std::string name) {
    static int line = 0;
    rule_.name = std::move(name);
    rule_.file = "Snakefile";
    rule_.line = ++line;
    rule_.kind = workflow::RuleKind::kShell;
    rule_.code = "code of " + rule_.name;
  }
  RuleMaker& output(const std::string& pattern, workflow::FileFlags flags = 0) {
    return add(rule_.output, pattern, flags);
  }
  RuleMaker& input(const std::string& pattern, workflow::FileFlags flags = 0) {
    return add(rule_.input, pattern, flags);
  }
  // An input that names the rule which makes it, by its place among the rules.
  RuleMaker& input_of(workflow::RuleId made_by, const std::string& pattern) {
    add(rule_.input, pattern, 0);
    rule_.input.back().items.back().made_by = made_by;
    return *this;
  }
  RuleMaker& log(const std::string& pattern) { return add(rule_.log, pattern, 0); }
  RuleMaker& benchmark(const std::string& pattern) { return add(rule_.benchmark, pattern, 0); }
  RuleMaker& input_function() {
    rule_.input.push_back({.is_function = true, .line = rule_.line});
    return *this;
  }
  RuleMaker& ensured(const std::string& pattern, workflow::Ensure ensure) {
    add(rule_.output, pattern, 0);
    rule_.output.back().items.back().ensure = std::make_shared<const workflow::Ensure>(std::move(ensure));
    return *this;
  }
  RuleMaker& param(const std::string& text, bool has_wildcards = false) {
    rule_.params.push_back({.text = text, .has_wildcards = has_wildcards});
    return *this;
  }
  RuleMaker& param_function() {
    rule_.params.push_back({.is_function = true, .line = rule_.line});
    return *this;
  }
  RuleMaker& constraint(const std::string& wildcard, const std::string& expression) {
    rule_.constraints[wildcard] = expression;
    return *this;
  }
  RuleMaker& code(const std::string& text) {
    rule_.code = text;
    return *this;
  }
  RuleMaker& threads(workflow::ResourceValue threads) {
    rule_.threads = std::move(threads);
    return *this;
  }
  RuleMaker& resource(const std::string& name, workflow::ResourceValue value) {
    rule_.resources.emplace_back(name, std::move(value));
    return *this;
  }
  RuleMaker& shadow(const std::string& kind) {
    rule_.shadow = kind;
    return *this;
  }
  RuleMaker& group(const std::string& name) {
    rule_.group = name;
    return *this;
  }
  RuleMaker& group_function() {
    rule_.has_group_function = true;
    return *this;
  }
  RuleMaker& checkpoint() {
    rule_.is_checkpoint = true;
    return *this;
  }
  RuleMaker& local() {
    rule_.is_local = true;
    return *this;
  }
  RuleMaker& aggregates() {  // nothing to run, as in `rule all`
    rule_.kind = workflow::RuleKind::kNone;
    return *this;
  }
  operator workflow::Rule() const { return rule_; }

 private:
  RuleMaker& add(std::vector<workflow::Entry>& entries, const std::string& pattern,
                 workflow::FileFlags flags) {
    workflow::Entry entry;
    entry.items.push_back({pattern, flags});
    entries.push_back(std::move(entry));
    return *this;
  }
  workflow::Rule rule_;
};

inline RuleMaker rule(std::string name) { return RuleMaker(std::move(name)); }

// A workflow of some rules, and its jobs for some targets.
class Workflow {
 public:
  using Rules = std::vector<workflow::Rule>;
  explicit Workflow(Rules made, std::vector<std::vector<std::string>> rule_order = {}) {
    auto compiled = workflow::RuleSet::compile(std::move(made), std::move(rule_order), dag.files);
    EXPECT_TRUE(compiled) << compiled.error().to_string();
    if (compiled) rules = std::move(*compiled);
  }

  Result<void> plan(std::vector<std::string> targets, bool allow_ambiguity = false) {
    workflow::DagBuilder builder(dag, rules, evaluator, states);
    FURROW_TRY(builder.build({std::move(targets), allow_ambiguity}));
    return builder.check_shared_outputs();
  }
  // The message and hint of planning, which must fail.
  std::string mistake(std::vector<std::string> targets) {
    const auto done = plan(std::move(targets));
    return done ? "planned" : done.error().to_string();
  }

  workflow::FileId file(const std::string& name) const { return dag.files.find(name); }
  // The job that makes a file.
  workflow::NodeId job(const std::string& name) const {
    const workflow::FileId id = file(name);
    return id == StringTable::kNone ? workflow::kNoNode : dag.producer(id);
  }
  std::string name_of(workflow::NodeId node) const {
    const workflow::CompiledRule& compiled = rules[dag.node(node).rule];
    const std::string wildcards = workflow::show_wildcards(compiled, dag.values(node, rules));
    return compiled.rule.name + (wildcards.empty() ? "" : "(" + wildcards + ")");
  }
  std::vector<std::string> jobs() const {  // in an order in which they can run
    std::vector<std::string> names;
    for (const workflow::NodeId node : dag.order()) names.push_back(name_of(node));
    return names;
  }
  std::vector<std::string> inputs(workflow::NodeId node) const {
    std::vector<std::string> names;
    for (const workflow::FileId input : dag.inputs(node)) names.emplace_back(dag.files.view(input));
    return names;
  }

  workflow::Dag dag;
  workflow::RuleSet rules;
  FakeEvaluator evaluator;
  workflow::FileStates states{dag.files};
};

}  // namespace furrow::support
