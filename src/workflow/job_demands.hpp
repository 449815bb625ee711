// What a job asks for: threads and named resources, from the rule, its functions and the command line, in that order. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plan/resources.hpp"
#include "workflow/dag.hpp"

namespace furrow::workflow {

struct DemandOptions {
  std::int64_t cores = 1;
  std::map<std::string, std::int64_t> set_threads;                                        // by rule
  std::map<std::string, std::vector<std::pair<std::string, ResourceValue>>> set_resources;  // by rule
};

class JobDemands {
 public:
  using Values = std::vector<std::pair<std::string, ResourceValue>>;
  struct Demand {
    std::int64_t threads = 1;
    Values resources;
  };

  // Borrows all but OPTIONS.
  JobDemands(const Dag& dag, const RuleSet& rules, Evaluator& evaluator, plan::Resources& resources, DemandOptions options);

  // In order of NODES; functions are asked in one message.
  std::vector<Result<Demand>> find(std::span<const NodeId> nodes, int attempt);
  plan::DemandId intern(NodeId node, const Demand& demand);

 private:
  Result<Demand> settle(const CompiledRule& rule, Demand demand) const;

  const Dag& dag_;
  const RuleSet& rules_;
  Evaluator& evaluator_;
  plan::Resources& resources_;
  DemandOptions options_;
};

}  // namespace furrow::workflow
