// A Snakefile, loaded and planned: the steps that every form of `furrow run` shares, in the order in which
// they must happen.
#pragma once

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "cli/rank_session.hpp"
#include "cli/run/run_options.hpp"
#include "exec/batch/batch_spec.hpp"
#include "os/process/job_cookie.hpp"
#include "os/process/watchdog.hpp"
#include "snakefile/evaluator_process.hpp"
#include "store/store.hpp"
#include "workflow/dag/dag_builder.hpp"
#include "workflow/dag/growth.hpp"
#include "workflow/dag/staleness.hpp"
#include "workflow/jobs/gangs.hpp"
#include "workflow/jobs/job_demands.hpp"
#include "workflow/jobs/job_groups.hpp"

namespace furrow::cli {

class WorkflowSession {
 public:
  // RANKS is set if a launcher has started several processes; null: this process is alone. Borrows both.
  explicit WorkflowSession(const RunOptions& options, RankSession* ranks = nullptr);
  ~WorkflowSession();
  WorkflowSession(const WorkflowSession&) = delete;
  WorkflowSession& operator=(const WorkflowSession&) = delete;

  // Starts the evaluator, loads the Snakefile, and changes to its folder.
  Result<void> load();
  // Opens the store: for a run, or read-only.
  Result<void> open_store();
  // Finds out the jobs and which of them must run.
  Result<void> plan();
  // Locks the files of the plan for this engine. False if another engine has changed some of them meanwhile: then the
  // plan is void, and a new session must be made.
  Result<bool> lock_files();

  // Dry runs, graphs, tables.
  bool changes_nothing() const;
  // Standard output is for another program.
  bool prints_data() const;
  // With a cluster: the most cores of a submission.
  std::int64_t cores() const { return cores_; }
  std::int64_t cores_at_a_time() const;
  // With a cluster.
  std::int64_t local_cores() const { return local_cores_; }
  const exec::BatchEvaluator& evaluator_for_nodes() const { return evaluator_for_nodes_; }
  // The limit of --max-threads, whether threads come from a number in the Snakefile, a function or an option.
  std::int64_t most_threads() const {
    return std::min(cores_of_largest_, options_.max_threads.value_or(cores_of_largest_));
  }
  RankSession* ranks() const { return ranks_; }
  // Of the ranks.
  const std::vector<exec::RankShare>& shares() const { return shares_; }
  // Of --resources.
  const std::vector<std::pair<std::string, std::int64_t>>& limits() const { return limits_; }

  // The resources whose limit applies to each submission to a cluster, not to all submissions together.
  std::set<std::string> resources_of_each_submission() const;
  // Sets where the limits of DEMANDS hold: on this machine, and in each submission.
  void set_scopes(workflow::JobDemands& demands) const;

  const RunOptions& options() const { return options_; }
  workflow::Dag& dag() { return dag_; }
  const workflow::RuleSet& rules() const { return rules_; }
  const workflow::Snakefile& snakefile() const { return snakefile_; }
  const std::string& config() const { return config_; }  // as JSON
  const std::string& python_version() const { return python_version_; }
  workflow::FileStates& states() { return states_; }
  workflow::Staleness& staleness() { return *staleness_; }
  // What makes the graph grow; null if the workflow has no checkpoints.
  workflow::Growth* growth() { return growth_.get(); }
  snakefile::EvaluatorProcess& evaluator() { return *evaluator_; }
  workflow::Gangs* gangs() const { return gangs_.get(); }  // null: no rule has a pipe or a service
  // Whether the jobs of GANG run on this machine.
  bool runs_here(const workflow::Gangs::Gang& gang) const;
  workflow::SoftwareEnvironments& software() { return *software_; }
  const workflow::JobGroups& groups() const { return groups_; }  // empty without a cluster
  store::Store* store() { return store_.get(); }
  os::Watchdog* watchdog() { return watchdog_.get(); }
  const std::string& run_id() const { return run_id_; }  // in the cookies of its jobs

 private:
  Result<std::string> find_snakefile() const;
  Result<snakefile::LoadRequest> load_request(const std::string& snakefile) const;
  void find_cores();
  std::optional<std::int64_t> wanted_cores() const;
  void share_cores(std::optional<std::int64_t> wanted);
  void find_limits();
  Result<void> add_set_resources(snakefile::LoadRequest& request) const;
  Result<void> check_rule_names() const;
  void flag_all_outputs_temp();
  Result<void> wait_for_files() const;
  Result<void> decide();
  Result<void> cut();
  Result<void> check_ties() const;
  bool ends_before_batch_rule() const { return options_.batch.index < options_.batch.count; }
  bool is_cut() const {
    return !options_.until.empty() || !options_.omit_from.empty() || ends_before_batch_rule();
  }
  std::vector<char> behind_checkpoints() const;
  Result<void> find_gangs();
  Result<void> find_groups();
  workflow::Targets targets() const;
  Result<void> check_company() const;
  Result<workflow::StalenessOptions> staleness_options();

  const RunOptions& options_;
  RankSession* const ranks_;
  std::int64_t cores_ = 1, local_cores_ = 0;
  // Of the rank with the most cores; if there is one rank, all cores.
  std::int64_t cores_of_largest_ = 1;
  std::vector<exec::RankShare> shares_;
  exec::BatchEvaluator evaluator_for_nodes_;
  std::vector<std::pair<std::string, std::int64_t>> limits_;
  const std::string run_id_ = os::new_run_id();
  std::unique_ptr<os::Watchdog> watchdog_;
  std::unique_ptr<snakefile::EvaluatorProcess> evaluator_;
  workflow::Snakefile snakefile_;
  std::string config_, python_version_;
  workflow::Dag dag_;
  workflow::RuleSet rules_;
  workflow::FileStates states_{dag_.files};
  std::unique_ptr<deploy::Environments> environments_;
  std::unique_ptr<workflow::SoftwareEnvironments> software_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<workflow::DagBuilder> builder_;
  std::unique_ptr<workflow::Staleness> staleness_;
  std::unique_ptr<workflow::GrowingCut> growing_cut_;
  std::unique_ptr<workflow::Growth> growth_;
  std::unique_ptr<workflow::Gangs> gangs_;
  workflow::JobGroups groups_;
};

}  // namespace furrow::cli
