// A workflow's jobs on a cluster: the layer of `furrow run` between the farm and the batch system.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "cli/cluster_options.hpp"
#include "cli/run/workflow_session.hpp"
#include "exec/executor_table.hpp"
#include "exec/routed_executor.hpp"
#include "workflow/workflow_source.hpp"

namespace furrow::cli {

// The request of each job, from its resources.
class WorkflowNeeds final : public exec::NeedsSource {
 public:
  // Borrows everything. STORE knows how long the jobs of each rule took. COMMAND is the user's submit
  // command; empty: none. LIMITS: how much of each resource the jobs of a group may use at a time.
  WorkflowNeeds(workflow::WorkflowSource& source, workflow::Evaluator& evaluator, store::Store& store,
                std::string command, std::map<std::string, std::int64_t> limits);

  exec::ClusterNeeds needs(const plan::Attempt& attempt) override;
  std::optional<exec::GroupNeeds> group(const plan::Attempt& attempt) override;
  exec::Allocation together(const plan::Attempt& attempt, std::int64_t cores,
                            std::int64_t memory_mb) override;
  std::vector<Result<Words>> words(std::span<const plan::Attempt* const> attempts) override;

 private:
  workflow::JobView view(const plan::Attempt& attempt) const;

  workflow::WorkflowSource& source_;
  workflow::Evaluator& evaluator_;
  const std::string command_;
  const std::map<std::string, std::int64_t> limits_;
  std::map<std::string, double, std::less<>> means_;  // seconds, by rule
};

// The request for a job's resources, which have Snakemake's standard names.
exec::Allocation allocation_of(const workflow::JobDemands::Demand& demand);

// A line for each resource of the rules that seems to be meant for Slurm but has no effect there.
std::vector<std::string> doubts_about_resources(const WorkflowSession& session);

// The options of the command line.
exec::ClusterOptions cluster_options_of(const exec::ExecutorSettings& settings);

// Fails if jobs are to run on several ranks but cannot.
Result<void> check_batch_nodes(const exec::ExecutorSettings& settings);

class ClusterRun {
 public:
  // Borrows everything; LOCAL runs the jobs that stay on this machine.
  ClusterRun(WorkflowSession& session, workflow::WorkflowSource& source, os::EventLoop& loop,
             plan::Executor& local, exec::OutputSink* sink);

  plan::Executor& executor() { return routed_; }
  // Call it when the run is over and recorded.
  void finish(workflow::Recorder& recorder);
  std::string summary() const;  // "3 Slurm jobs"; may be empty

 private:
  bool is_remote(const plan::Attempt& attempt) const;

  const exec::ExecutorSettings& settings_;
  workflow::WorkflowSource& source_;
  WorkflowNeeds needs_;
  const std::unique_ptr<plan::Executor> cluster_;
  exec::RoutedExecutor routed_;
};

// Whether an earlier run may have left jobs on a cluster.
bool has_left_batches();

}  // namespace furrow::cli
