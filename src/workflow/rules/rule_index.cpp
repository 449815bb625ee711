#include "workflow/rules/rule_index.hpp"

#include <algorithm>
#include <numeric>

#include "base/strings.hpp"

namespace furrow::workflow {

RuleIndex::RuleIndex(const RuleSet& rules) : rules_(rules) {
  for (RuleId id = 0; id < rules.size(); ++id) {
    add(id, rules[id].outputs);
    add(id, rules[id].logs);
    add(id, rules[id].benchmarks);
  }
}

void RuleIndex::add(RuleId rule, const std::vector<Template>& products) {
  for (const Template& product : products) {
    const std::string_view prefix = product.pattern.prefix();
    if (product.pattern.is_literal()) {
      literal_[prefix].push_back({rule, &product});
      continue;
    }
    auto length = std::find_if(by_length_.begin(), by_length_.end(),
                               [&](const auto& l) { return l.first == prefix.size(); });
    if (length == by_length_.end()) length = by_length_.insert(by_length_.end(), {prefix.size(), {}});
    length->second[prefix].push_back({rule, &product});
  }
}

void RuleIndex::find(std::string_view name, std::vector<Candidate>& candidates) const {
  candidates.clear();
  if (const auto found = literal_.find(name); found != literal_.end()) match(found->second, name, candidates);
  for (const auto& [length, prefixes] : by_length_) {
    if (length > name.size()) continue;
    if (const auto found = prefixes.find(name.substr(0, length)); found != prefixes.end())
      match(found->second, name, candidates);
  }
  if (candidates.size() > 1)
    std::sort(candidates.begin(), candidates.end(),
              [](const Candidate& a, const Candidate& b) { return a.rule < b.rule; });
}

// If two files of a rule match NAME, the match with the shorter wildcard values counts, as in Snakemake.
void RuleIndex::match(const std::vector<Product>& products, std::string_view name,
                      std::vector<Candidate>& candidates) const {
  const auto length = [](const auto& values) {
    return std::accumulate(values.begin(), values.end(), std::size_t{0},
                           [](std::size_t sum, std::string_view v) { return sum + v.size(); });
  };
  for (const auto& [rule, made] : products) {
    if (!made->pattern.match(name, values_)) continue;
    auto candidate = std::find_if(candidates.begin(), candidates.end(),
                                  [id = rule](const Candidate& c) { return c.rule == id; });
    if (candidate == candidates.end()) {
      candidate = candidates.insert(
          candidates.end(), Candidate{rule, std::vector<std::string_view>(rules_[rule].wildcards.size())});
    } else if (length(candidate->values) <= length(values_)) {
      continue;
    }
    for (std::size_t i = 0; i < made->slots.size(); ++i) candidate->values[made->slots[i]] = values_[i];
  }
}

std::string RuleIndex::nearest_pattern(std::string_view name) const {
  std::vector<std::string> patterns;
  for (RuleId id = 0; id < rules_.size() && patterns.size() < 1000; ++id) {
    for (const Template& product : rules_[id].outputs) patterns.push_back(product.pattern.text());
  }
  return nearest(name, patterns);
}

}  // namespace furrow::workflow
