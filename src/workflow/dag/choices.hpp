// The candidates for files that several rules could make, while a workflow is planned.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

// The candidates for a file that several rules could make, or for which a candidate failed.
struct Choice {
  std::vector<NodeId> made;  // candidates that are jobs
  // Rule and wildcards of candidates of lower rank.
  std::vector<std::pair<RuleId, std::vector<std::string>>> untried;
  std::vector<Error> errors;  // of candidates that could not become jobs
};
using Choices = std::unordered_map<FileId, Choice>;

// The candidates to which no other is preferred.
template <class T, class RuleOf>
std::vector<T> best_of(const std::vector<T>& candidates, const RuleSet& rules, RuleOf rule_of) {
  std::vector<T> best;
  for (const T& candidate : candidates) {
    bool beaten = false;
    for (const T& other : candidates) beaten |= rules.compare(rule_of(other), rule_of(candidate)) > 0;
    if (!beaten) best.push_back(candidate);
  }
  return best.empty() ? candidates : best;
}

// The jobs that could make FILE.
std::vector<NodeId> candidates(const Dag& dag, const Choices& choices, FileId file);
// Whether one of the inputs of NODE is one of its outputs.
bool is_self_made(const Dag& dag, const RuleSet& rules, NodeId node);

}  // namespace furrow::workflow
