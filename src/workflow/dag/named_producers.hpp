// Inputs that name the rule that makes them, as `input: rules.b.output` does, where several rules could make the file.
//
// If the input is written so in the rule, the name is *binding*: the job takes the file from that rule, whatever
// `ruleorder` prefers, and no other rule replaces it. A name from an input function, or of an output whose wildcards
// have constraints, only settles what is ambiguous otherwise. (Snakemake knows no name in these cases, and refuses
// ambiguous files.)
//
// Not thread-safe.
#pragma once

#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "workflow/dag/choices.hpp"
#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

struct NamedProducer {
  NodeId user;
  RuleId rule;
  bool is_binding;
};

class NamedProducers {
 public:
  // An input of the job USER names RULE as the one that makes FILE.
  void add(NodeId user, FileId file, RuleId rule, bool from_function) {
    added_.push_back({user, file, rule, from_function});
  }
  // All files that jobs were said to need have been looked up: keeps the names that matter. Returns the candidates among
  // CHOICES that are no jobs yet although a binding name asks for them.
  std::vector<std::pair<FileId, RuleId>> settle(const Dag& dag, const RuleSet& rules, const Choices& choices);

  bool any() const { return !by_file_.empty(); }
  std::span<const NamedProducer> of(FileId file) const;
  // The rule from which the job USER must take FILE.
  std::optional<RuleId> binding(NodeId user, FileId file) const;

 private:
  struct Added {
    NodeId user;
    FileId file;
    RuleId rule;
    bool from_function;
  };
  std::vector<Added> added_;
  std::unordered_map<FileId, std::vector<NamedProducer>> by_file_;
};

// The jobs from which the job USER may take FILE.
std::vector<NodeId> candidates(const Dag& dag, const Choices& choices, const NamedProducers& named,
                               NodeId user, FileId file);

}  // namespace furrow::workflow
