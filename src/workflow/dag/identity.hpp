// What a job is known by between runs, and how it looks to a function of its rule.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

// The identity of a rule's code: its command or block, and a script's content, which is read once.
class CodeHashes {
 public:
  std::uint64_t of(const CompiledRule& rule);

 private:
  std::unordered_map<RuleId, std::uint64_t> known_;
};

// ANSWERED: all of the rule's PARAMs, where one of them is a function; not looked at otherwise.
std::uint64_t params_hash(const CompiledRule& rule, Values values, const std::vector<Param>& answered);
std::string params_text(const CompiledRule& rule, Values values, const std::vector<Param>& answered);

// The key of a job's record: its first output, or what stands for it.
std::string record_key(const Dag& dag, const RuleSet& rules, NodeId node);

// A job as far as planning knows it: threads and resources as the rule says, where it says numbers.
JobView view_of(const Dag& dag, const RuleSet& rules, NodeId node);

}  // namespace furrow::workflow
