// The rules of a workflow, compiled for planning: patterns parsed, wildcards numbered, plain file names
// interned.
//
// Immutable once compiled. A mistake in a rule's inputs is kept with the rule and reported only when a job of
// that rule is needed: a rule that no target needs may be broken.
#pragma once

#include <algorithm>
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
// A job's wildcard values, in the order of its rule's wildcards.
using Values = std::span<const std::string_view>;

// A pattern, with the positions of its wildcards among those of its rule.
struct Template {
  Pattern pattern;
  std::vector<std::uint16_t> slots;  // wildcard of the pattern -> wildcard of the rule
  FileFlags flags = 0;
  std::shared_ptr<const Ensure> ensure;

  void fill(Values values, std::string& out) const;
  std::string filled(Values values) const;
  bool allows(Values values) const;  // whether the constraints of its wildcards do
};

struct InputItem {
  std::uint32_t index;  // a FileId if `is_file`, else an index into input_templates
  FileFlags flags;
  bool is_file;
  RuleId made_by;  // kNoRule unless the input names the rule that makes it
};

struct InputEntry {
  bool is_function;
  std::uint32_t first, end;  // indices into input_items
};

struct CompiledRule {
  Rule rule;  // without its input items, which are compiled below
  RuleId id = 0;
  std::vector<std::string> wildcards;
  std::vector<Template> outputs, logs, benchmarks;
  std::vector<InputEntry> inputs;
  std::vector<InputItem> input_items;
  std::vector<Template> input_templates;
  bool has_input_functions = false;
  bool has_param_functions = false;
  bool has_detail_functions = false;  // for threads or resources
  std::optional<Error> mistake;       // why the rule can have no jobs

  bool has_products() const { return !outputs.empty(); }
};

class RuleSet {
 public:
  // Interns plain file names in FILES.
  static Result<RuleSet> compile(std::vector<Rule> rules, std::vector<std::vector<std::string>> rule_order,
                                 StringTable& files);

  const CompiledRule& operator[](RuleId id) const { return rules_[id]; }
  std::size_t size() const { return rules_.size(); }
  const CompiledRule* find(std::string_view name) const;
  std::vector<std::string> names() const;
  bool has_checkpoints() const {
    return std::any_of(rules_.begin(), rules_.end(), [](const auto& r) { return r.rule.is_checkpoint; });
  }

  // Positive if A is preferred to B, negative if B is preferred to A, 0 if neither: by ruleorder, where later
  // statements win; else a rule without wildcards comes before one with wildcards.
  int compare(RuleId a, RuleId b) const;

 private:
  std::vector<CompiledRule> rules_;
  std::vector<std::vector<RuleId>> rule_order_;
};

// An Error that points at a rule.
Error rule_error(const Rule& rule, std::string message, std::string hint = {});

// ERROR, with the rule's file and line if it has none of its own.
Error located(Error error, const Rule& rule);

// "sample=a, lane=2"
std::string show_wildcards(const CompiledRule& rule, Values values);

}  // namespace furrow::workflow
