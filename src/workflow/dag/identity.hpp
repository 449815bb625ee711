// What identifies a job between runs, and what a function of its rule sees of it.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

// Hashes of the rules' code: the command or block, and the content of a script. Each is computed once.
class CodeHashes {
 public:
  std::uint64_t of(const CompiledRule& rule);

 private:
  std::unordered_map<RuleId, std::uint64_t> known_;
};

// The key of a job's record: its first output, or its rule and wildcards if it has no outputs.
std::string record_key(const Dag& dag, const RuleSet& rules, NodeId node);

// A job as planning knows it: threads and resources as the rule gives them, unless a function answers.
JobView view_of(const Dag& dag, const RuleSet& rules, NodeId node);

}  // namespace furrow::workflow
