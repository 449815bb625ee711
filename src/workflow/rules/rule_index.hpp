// Which rules could make a file: looked up by what their output patterns begin with, so that a thousand rules
// cost hardly more than one.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "workflow/rules/rule_set.hpp"

namespace furrow::workflow {

struct Candidate {
  RuleId rule;
  std::vector<std::string_view> values;  // the rule's wildcards; views into the name that was looked up
};

class RuleIndex {
 public:
  explicit RuleIndex(const RuleSet& rules);  // borrows RULES

  // All rules one of whose outputs, logs or benchmarks matches NAME, each once, in order of definition.
  void find(std::string_view name, std::vector<Candidate>& candidates) const;

  // The pattern most like NAME, for an error message; empty where none is near.
  std::string nearest_pattern(std::string_view name) const;

 private:
  struct Product {
    RuleId rule;
    const Template* made;
  };
  using ByPrefix = std::unordered_map<std::string_view, std::vector<Product>>;

  void add(RuleId rule, const std::vector<Template>& products);
  void match(const std::vector<Product>& products, std::string_view name,
             std::vector<Candidate>& candidates) const;

  const RuleSet& rules_;
  ByPrefix literal_;  // whole names
  // length of a prefix -> the prefixes of that length
  std::vector<std::pair<std::size_t, ByPrefix>> by_length_;
  mutable std::vector<std::string_view> values_;
};

}  // namespace furrow::workflow
