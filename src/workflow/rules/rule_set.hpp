// The rules of a workflow, made ready for planning: patterns parsed, wildcards numbered, plain file names
// interned.
//
// Immutable once compiled. A mistake that concerns one rule's inputs is kept with the rule and told when a
// job of it is needed, as rules that no target needs may well be broken.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/string_table.hpp"
#include "workflow/rules/pattern.hpp"
#include "workflow/rules/rule.hpp"

namespace furrow::workflow {

using FileId = StringTable::Id;
using RuleId = std::uint32_t;
using Values = std::span<const std::string_view>;  // a job's wildcards, in order of its rule's

// A pattern together with where its wildcards stand among those of its rule.
struct Template {
  Pattern pattern;
  std::vector<std::uint16_t> slots;  // wildcard of the pattern -> wildcard of the rule
  FileFlags flags = 0;
  std::shared_ptr<const Ensure> ensure;

  void fill(Values values, std::string& out) const;
  std::string filled(Values values) const;
};

struct InputItem {
  std::uint32_t index;  // of the file if `is_file`, else into input_templates
  FileFlags flags;
  bool is_file;
};

struct InputEntry {
  bool is_function;
  std::uint32_t first, end;  // into input_items
};

struct CompiledRule {
  Rule rule;  // input items moved out: they are below
  RuleId id = 0;
  std::vector<std::string> wildcards;
  std::vector<Template> outputs, logs, benchmarks;
  std::vector<InputEntry> inputs;
  std::vector<InputItem> input_items;
  std::vector<Template> input_templates;
  bool has_input_functions = false;
  bool has_param_functions = false;
  bool has_detail_functions = false;  // threads or resources
  std::optional<Error> mistake;       // why no job of it can be made

  bool has_products() const { return !outputs.empty(); }
};

class RuleSet {
 public:
  // Plain file names go into FILES.
  static Result<RuleSet> compile(std::vector<Rule> rules, std::vector<std::vector<std::string>> rule_order,
                                 StringTable& files);

  const CompiledRule& operator[](RuleId id) const { return rules_[id]; }
  std::size_t size() const { return rules_.size(); }
  const CompiledRule* find(std::string_view name) const;
  std::vector<std::string> names() const;

  // Whether A is to be taken rather than B (>0), B rather than A (<0), or neither: ruleorder, later
  // statements first; else a rule without wildcards before one with.
  int compare(RuleId a, RuleId b) const;

 private:
  std::vector<CompiledRule> rules_;
  std::vector<std::vector<RuleId>> rule_order_;
};

// An Error that points at a rule.
Error rule_error(const Rule& rule, std::string message, std::string hint = {});

// ERROR with the rule's place, where it has none of its own.
Error located(Error error, const Rule& rule);

// "sample=a, lane=2"
std::string show_wildcards(const CompiledRule& rule, Values values);

}  // namespace furrow::workflow
