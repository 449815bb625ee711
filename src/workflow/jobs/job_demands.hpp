// What a job asks for: threads and named resources, from its rule or the rule's functions. Not thread-safe.
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
  // Shared by all jobs of a rule without functions: a million jobs may be ready at a time.
  using SharedDemand = std::shared_ptr<const Demand>;

  // When jobs run elsewhere, those of local rules still share the cores of this machine, which are then
  // counted as a separate resource.
  static constexpr const char* kLocalCores = "_local_cores";
  void set_local_cores(std::int64_t cores) { local_cores_ = cores; }
  // Each job that runs elsewhere has these resources to itself, so they are counted only for jobs that run
  // here.
  void set_of_each_submission(std::set<std::string> resources) { of_each_ = std::move(resources); }

  // Borrows all arguments. No job gets more than MOST_THREADS.
  JobDemands(const Dag& dag, const RuleSet& rules, Evaluator& evaluator, plan::Resources& resources,
             std::int64_t most_threads);

  // In the order of NODES; one message asks about many jobs. IS_AHEAD: inputs may not exist yet, and
  // resources that depend on them are left out.
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
