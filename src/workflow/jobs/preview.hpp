// What the jobs of a run would execute, found out before the first of them starts: a mistake in the last job is
// then known before hours of work. Has no side effects. Not thread-safe.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "workflow/jobs/job_demands.hpp"
#include "workflow/jobs/removal.hpp"

namespace furrow::workflow {

class Preview {
 public:
  // Borrows all but MUST_RUN.
  Preview(const Dag& dag, const RuleSet& rules, FileStates& states, Evaluator& evaluator, JobDemands& demands,
          std::function<bool(NodeId)> must_run);

  // In the order of NODES. An error is what the job could not start for. In commands and messages, what only jobs
  // that have yet to run decide is "<TBD>".
  std::vector<Result<Preparation>> of(std::span<const NodeId> nodes);
  // Whether its old outputs may go.
  Result<void> check_outputs(NodeId node) { return removal_.check(node); }
  // Whether TEXT, a command that submits jobs to a cluster, can be filled in for a job.
  Result<void> check_submission(NodeId node, const std::string& text);

 private:
  bool waits(NodeId node) const;
  void find_demands(std::span<const NodeId> nodes, std::vector<JobView>& views,
                    std::vector<Result<Preparation>>& seen);

  const Dag& dag_;
  const RuleSet& rules_;
  Evaluator& evaluator_;
  JobDemands& demands_;
  const std::function<bool(NodeId)> must_run_;
  FileStates& states_;
  Removal removal_;
};

}  // namespace furrow::workflow
