// What a job asks for: threads and named resources, from the rule or its functions. Not thread-safe.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plan/resources.hpp"
#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

class JobDemands {
 public:
  struct Demand {
    std::int64_t threads = 1;
    std::vector<std::pair<std::string, ResourceValue>> resources;
    plan::DemandId id = 0;
  };
  // Shared by all jobs of a rule whose demand no function answers: a million jobs may be ready at a time.
  using SharedDemand = std::shared_ptr<const Demand>;

  // Where jobs run elsewhere, but for those of rules that say otherwise: these share the cores of this
  // machine, which are counted as a resource of their own.
  static constexpr const char* kLocalCores = "_local_cores";
  void set_local_cores(std::int64_t cores) { local_cores_ = cores; }
  // Of these, each job that runs elsewhere has its own: they are counted for those that run here alone.
  void set_of_each_submission(std::set<std::string> resources) { of_each_ = std::move(resources); }

  // Borrows all. MOST_THREADS: no job gets more.
  JobDemands(const Dag& dag, const RuleSet& rules, Evaluator& evaluator, plan::Resources& resources,
             std::int64_t most_threads);

  // In order of NODES; functions are asked for many jobs in one message. IS_AHEAD: inputs may not be there
  // yet, and resources that depend on them are not in the answer.
  std::vector<Result<SharedDemand>> find(std::span<const NodeId> nodes, int attempt, bool is_ahead = false);

 private:
  Result<SharedDemand> fixed(const CompiledRule& rule);
  void ask(std::span<const NodeId> nodes, std::span<const std::size_t> places, int attempt, bool is_ahead,
           std::vector<Result<SharedDemand>>& demands);
  Result<SharedDemand> settle(const CompiledRule& rule, Demand demand);

  const Dag& dag_;
  const RuleSet& rules_;
  Evaluator& evaluator_;
  plan::Resources& resources_;
  std::int64_t most_threads_;
  std::int64_t local_cores_ = 0;  // 0: all jobs run here
  std::set<std::string> of_each_;
  std::unordered_map<RuleId, Result<SharedDemand>> fixed_;
};

}  // namespace furrow::workflow
