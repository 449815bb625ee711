// Finds the rules that could make a file, by the prefixes of their output patterns, so that a thousand rules
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

  // All rules with an output, log or benchmark that matches NAME, each once, in the order of definition.
  void find(std::string_view name, std::vector<Candidate>& candidates) const;

  // The pattern most similar to NAME, for an error message; empty if none is close.
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
  ByPrefix literal_;  // by whole name
  // Length of a prefix -> the prefixes of that length.
  std::vector<std::pair<std::size_t, ByPrefix>> by_length_;
  mutable std::vector<std::string_view> values_;
};

}  // namespace furrow::workflow
