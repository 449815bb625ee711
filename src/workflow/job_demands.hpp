// What a job asks for: threads and named resources, from the rule or its functions. Not thread-safe.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "plan/resources.hpp"
#include "workflow/dag.hpp"

namespace furrow::workflow {

class JobDemands {
 public:
  using Values = std::vector<std::pair<std::string, ResourceValue>>;
  struct Demand {
    std::int64_t threads = 1;
    Values resources;
  };

  // Borrows all.
  JobDemands(const Dag& dag, const RuleSet& rules, Evaluator& evaluator, plan::Resources& resources, std::int64_t cores);

  // In order of NODES; functions are asked in one message.
  std::vector<Result<Demand>> find(std::span<const NodeId> nodes, int attempt);
  plan::DemandId intern(NodeId node, const Demand& demand);

 private:
  Result<Demand> settle(const CompiledRule& rule, Demand demand) const;

  const Dag& dag_;
  const RuleSet& rules_;
  Evaluator& evaluator_;
  plan::Resources& resources_;
  std::int64_t cores_;  // no job gets more
};

}  // namespace furrow::workflow
