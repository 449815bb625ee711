#include "workflow/rules/rule_set.hpp"

#include <algorithm>
#include <set>

#include "base/strings.hpp"

namespace furrow::workflow {

namespace {

std::uint16_t slot_of(const std::vector<std::string>& wildcards, const std::string& name) {
  return static_cast<std::uint16_t>(std::find(wildcards.begin(), wildcards.end(), name) - wildcards.begin());
}

std::vector<std::string> unknown_wildcards(const Pattern& pattern, const std::vector<std::string>& known) {
  std::vector<std::string> unknown;
  for (const std::string& name : pattern.wildcards()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) unknown.push_back(name);
  }
  return unknown;
}

// Compiles one rule.
class Compiler {
 public:
  Compiler(CompiledRule& out, StringTable& files) : out_(out), files_(files) {}

  Result<void> run() {
    FURROW_TRY(compile_products());
    FURROW_TRY(compile_inputs());
    check_params();
    out_.has_param_functions = std::any_of(out_.rule.params.begin(), out_.rule.params.end(),
                                           [](const Param& p) { return p.is_function; });
    const auto is_function = [](const ResourceValue& v) { return std::holds_alternative<FunctionValue>(v); };
    out_.has_detail_functions =
        is_function(out_.rule.threads) || std::any_of(out_.rule.resources.begin(), out_.rule.resources.end(),
                                                      [&](const auto& r) { return is_function(r.second); });
    return {};
  }

 private:
  Result<Template> parse(const Item& item) const {
    auto pattern = Pattern::parse(item.pattern, out_.rule.constraints, item.flags & kLiteral);
    if (!pattern) return fail(rule_error(out_.rule, pattern.error().message, pattern.error().hint));
    return Template{std::move(*pattern), {}, item.flags, item.ensure};
  }

  Result<void> compile_products() {
    const std::pair<std::vector<Entry>*, std::vector<Template>*> groups[] = {
        {&out_.rule.output, &out_.outputs},
        {&out_.rule.log, &out_.logs},
        {&out_.rule.benchmark, &out_.benchmarks}};
    bool first = true;
    std::set<std::string> seen;  // outputs; a log may be one, or be named twice
    for (const auto& [entries, templates] : groups) {
      for (const Entry& entry : *entries) {
        for (const Item& item : entry.items) {
          auto made = FURROW_TRY(parse(item));
          const bool is_output = entries == &out_.rule.output;
          if (is_output && !seen.insert(made.pattern.text()).second)
            return fail(rule_error(out_.rule, "rule " + out_.rule.name + " names the output \"" +
                                                  made.pattern.text() + "\" twice"));
          FURROW_TRY(check_product(made, first));
          first = false;
          templates->push_back(std::move(made));
        }
      }
    }
    return {};
  }

  Result<void> check_product(Template& product, bool first) {
    if (first) out_.wildcards = product.pattern.wildcards();
    if (std::set(out_.wildcards.begin(), out_.wildcards.end()) !=
        std::set(product.pattern.wildcards().begin(), product.pattern.wildcards().end()))
      return fail(rule_error(
          out_.rule,
          "not all output, log and benchmark files of rule " + out_.rule.name +
              " contain the same wildcards: \"" + product.pattern.text() + "\" differs from the first",
          "Each file of a rule needs all of its wildcards, or two jobs would write the same file."));
    assign_slots(product);
    return {};
  }

  Result<void> compile_inputs() {
    for (Entry& entry : out_.rule.input) {
      const auto first = static_cast<std::uint32_t>(out_.input_items.size());
      out_.has_input_functions |= entry.is_function;
      for (const Item& item : entry.items) {
        FURROW_TRY(add_input(item));
      }
      out_.inputs.push_back({entry.is_function, first, static_cast<std::uint32_t>(out_.input_items.size())});
      entry.items = {};  // interned now, and a list may have a million
    }
    return {};
  }

  Result<void> add_input(const Item& item) {
    if ((item.flags & kLiteral) || item.pattern.find('{') == std::string::npos) {
      out_.input_items.push_back({files_.intern(item.pattern), item.flags, true, item.made_by});
      return {};
    }
    auto made = FURROW_TRY(parse(item));
    const auto unknown = unknown_wildcards(made.pattern, out_.wildcards);
    if (!unknown.empty() && !out_.mistake) {
      out_.mistake =
          rule_error(out_.rule,
                     "wildcards in input files of rule " + out_.rule.name +
                         " cannot be determined from its output files: " + join(unknown, ", ") + " in \"" +
                         item.pattern + "\"",
                     "Use the wildcard in the output too, or expand() where all values are meant.");
    }
    assign_slots(made);
    const auto index = static_cast<std::uint32_t>(out_.input_templates.size());
    out_.input_templates.push_back(std::move(made));
    out_.input_items.push_back({index, item.flags, false, item.made_by});
    return {};
  }

  // A param that no command uses is not rendered, and would hide the mistake.
  void check_params() {
    for (const Param& param : out_.rule.params) {
      if (!param.has_wildcards || out_.mistake) continue;
      for (const std::string& name : wildcards_in(param.text)) {
        if (std::find(out_.wildcards.begin(), out_.wildcards.end(), name) != out_.wildcards.end()) continue;
        const std::string near = nearest(name, out_.wildcards);
        out_.mistake =
            rule_error(out_.rule,
                       "the params of rule " + out_.rule.name + " name the wildcard " + name +
                           ", which its output does not have",
                       near.empty() ? "Use the wildcard in the output too, or give the param a function."
                                    : "Did you mean " + near + "?");
      }
    }
  }

  void assign_slots(Template& made) const {
    for (const std::string& name : made.pattern.wildcards())
      made.slots.push_back(slot_of(out_.wildcards, name));
  }

  CompiledRule& out_;
  StringTable& files_;
};

}  // namespace

void Template::fill(Values values, std::string& out) const {
  std::string_view own[16];
  std::vector<std::string_view> many;
  std::span<std::string_view> mine(own, std::min<std::size_t>(slots.size(), 16));
  if (slots.size() > 16) {
    many.resize(slots.size());
    mine = many;
  }
  for (std::size_t i = 0; i < slots.size(); ++i) mine[i] = values[slots[i]];
  pattern.fill(mine, out);
}

bool Template::allows(Values values) const {
  std::vector<std::string_view> mine;
  for (const std::size_t slot : slots) mine.push_back(values[slot]);
  return pattern.allows(mine);
}

std::string Template::filled(Values values) const {
  std::string name;
  fill(values, name);
  return name;
}

Result<RuleSet> RuleSet::compile(std::vector<Rule> rules, std::vector<std::vector<std::string>> rule_order,
                                 StringTable& files) {
  RuleSet set;
  set.rules_.resize(rules.size());
  for (RuleId id = 0; id < rules.size(); ++id) {
    set.rules_[id].rule = std::move(rules[id]);
    set.rules_[id].id = id;
    FURROW_TRY(Compiler(set.rules_[id], files).run());
  }
  for (const auto& clause : rule_order) {
    auto& ids = set.rule_order_.emplace_back();
    for (const std::string& name : clause) {
      const CompiledRule* const rule = set.find(name);
      if (!rule) {
        const std::string near = nearest(name, set.names());
        return fail(Error{"ruleorder names the rule " + name + ", which does not exist",
                          {},
                          0,
                          near.empty() ? "" : "Did you mean " + near + "?"});
      }
      ids.push_back(rule->id);
    }
  }
  return set;
}

const CompiledRule* RuleSet::find(std::string_view name) const {
  const auto found =
      std::find_if(rules_.begin(), rules_.end(), [&](const CompiledRule& r) { return r.rule.name == name; });
  return found == rules_.end() ? nullptr : &*found;
}

std::vector<std::string> RuleSet::names() const {
  std::vector<std::string> names;
  for (const CompiledRule& rule : rules_) names.push_back(rule.rule.name);
  return names;
}

int RuleSet::compare(RuleId a, RuleId b) const {
  for (auto clause = rule_order_.rbegin(); clause != rule_order_.rend(); ++clause) {
    const auto at_a = std::find(clause->begin(), clause->end(), a);
    const auto at_b = std::find(clause->begin(), clause->end(), b);
    if (at_a != clause->end() && at_b != clause->end() && at_a != at_b) return at_a < at_b ? 1 : -1;
  }
  return static_cast<int>(!rules_[b].wildcards.empty()) - static_cast<int>(!rules_[a].wildcards.empty());
}

Error rule_error(const Rule& rule, std::string message, std::string hint) {
  return Error{std::move(message), rule.file, rule.line, std::move(hint)};
}

Error located(Error error, const Rule& rule) {
  if (error.file.empty()) {
    error.file = rule.file;
    error.line = rule.line;
  }
  return error;
}

std::string show_wildcards(const CompiledRule& rule, Values values) {
  std::string text;
  for (std::size_t i = 0; i < rule.wildcards.size(); ++i) {
    if (i > 0) text += ", ";
    text += rule.wildcards[i];
    text += '=';
    text += values[i];
  }
  return text;
}

}  // namespace furrow::workflow
