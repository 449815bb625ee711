// The jobs of a workflow as the farm sees them: the resources each asks for, what to execute, and what to do
// before and after.
//
// Each node of the Dag that must run becomes a job of the JobGraph; from then on the farm calls this class.
//
// The jobs of a group that goes to a cluster (JobGroups) become ready together, once every input from outside
// the group exists. The first of them to start, the *leader*, takes the others along: they are prepared,
// their files are handled and they are recorded as started together with the leader. The farm still starts
// them one by one later, as the jobs before them end. States of a group member: idle -> ahead (taken along)
// -> started (by the farm) -> done; it goes back to idle when a job that it needs fails. A job stays idle
// while it cannot be prepared, because one of its functions reads a file that the group has yet to make. Not
// thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "plan/batch_files.hpp"
#include "plan/in_flight_jobs.hpp"
#include "plan/job_source.hpp"
#include "workflow/dag/identity.hpp"
#include "workflow/dag/software_environments.hpp"
#include "workflow/jobs/benchmark.hpp"
#include "workflow/jobs/group_demand.hpp"
#include "workflow/jobs/job_demands.hpp"
#include "workflow/jobs/job_files.hpp"
#include "workflow/jobs/job_groups.hpp"
#include "workflow/jobs/planned_jobs.hpp"
#include "workflow/jobs/recorder.hpp"
#include "workflow/jobs/shadow.hpp"

namespace furrow::workflow {

struct SourceOptions {
  int retries = 0;                               // for rules without `retries:`
  std::set<std::string> prioritized;             // rules or files
  std::string shadow_folder = ".furrow/shadow";  // this run's own
  std::string run;                               // the id of the engine; empty: nobody asks for it
  bool touch_only = false;  // --touch: outputs are touched and recorded, nothing is executed
  bool extended_benchmarks = false;
  double queue_wait_s = 1;  // between two looks at the queues of from_queue()
};

class WorkflowSource final : public plan::JobSource {
 public:
  // Borrows every argument; RECORDER may be null.
  WorkflowSource(const Dag& dag, const RuleSet& rules, Evaluator& evaluator, JobDemands& demands,
                 JobFiles& files, Recorder* recorder, SourceOptions options);

  // Asks the functions that decide on the priority of jobs that must run. Call before plan().
  Result<void> ask_priorities(const std::function<bool(NodeId)>& must_run);
  // Adds a job for each node that must run, with its dependencies.
  void plan(plan::JobGraph& graph, const std::function<bool(NodeId)>& must_run);
  // What makes the graph grow when jobs of checkpoints end. Call before plan(). Borrowed; null: nothing does.
  void set_growth(Growth* growth) { growth_ = growth; }
  // Jobs that run at once. GANGS is borrowed. ARE_HERE: whether the jobs of a gang run on this machine. Call before plan().
  void set_gangs(Gangs* gangs, PlannedJobs::StartsTogether are_here);

  NodeId node(plan::JobId job) const { return nodes_[job]; }
  const RuleSet& rules() const { return rules_; }
  const Dag& dag() const { return dag_; }
  const std::string& message(plan::JobId job) const;  // its rule's `message:`; empty if there is none
  const std::string& command(plan::JobId job) const;  // of a job that is running or has failed
  std::vector<std::string> logs(plan::JobId job) const;
  std::string place(plan::JobId job) const;  // "name, FILE:LINE" of its rule

  // For executors that need more than a job's launch.
  bool is_local(plan::JobId job) const;           // it runs on this machine even if other jobs do not
  std::uint64_t identity(plan::JobId job) const;  // a hash of its code, params and inputs
  std::string key(plan::JobId job) const;         // of its record
  JobDemands::SharedDemand demand_of(plan::JobId job, int attempt) const;
  JobView view(plan::JobId job, int attempt) const;

  // Call before plan(). Borrowed; null: no job has one.
  void set_environments(SoftwareEnvironments* environments) { environments_ = environments; }

  // Call before plan(). Borrowed.
  void set_groups(const JobGroups* groups) { groups_ = groups; }
  // A job that its leader takes along, or the leader itself, which comes first.
  struct Together {
    plan::JobId job;
    plan::Launch launch;               // empty for the leader
    std::vector<std::uint32_t> after;  // indices, in the same list, of the jobs that it needs
    plan::BatchFiles files;
    std::uint32_t gang = 0;             // jobs with the same number run at once; 0: alone
    std::vector<std::uint32_t> uses{};  // as `after`: the services that it uses
  };
  // Empty if JOB leads no other job. Call it once, after JOB was started.
  std::vector<Together> take_together(plan::JobId job);
  bool leads(plan::JobId job) const { return together_.contains(job); }
  const std::string& group_name(plan::JobId job) const;
  // What JOB and the jobs that it took along ask for in total.
  Result<JobDemands::Demand> demand_together(plan::JobId job,
                                             const std::map<std::string, std::int64_t>& limits) const;
  // One view of all of them, for a command that submits them: the files that go in and come out, all
  // wildcards.
  JobView view_together(plan::JobId job) const;

  // Jobs that an earlier engine may have left running. Borrowed.
  void set_in_flight_jobs(plan::InFlightJobs* in_flight_jobs) { in_flight_jobs_ = in_flight_jobs; }
  // Whether JOB is already running and the executor only waits for its end.
  bool is_taken_over(plan::JobId job) const { return taken_over_.contains(job); }

  void set_prepare_listener(plan::PrepareListener* listener) override { listener_ = listener; }
  void prepare(std::span<const plan::JobId> jobs, int attempt) override;
  std::vector<Result<plan::DemandId>> demands(std::span<const plan::JobId> jobs, int attempt) override;
  bool prepares_ahead() const override { return true; }
  void prefetch(plan::JobId job, int attempt) override;
  Result<void> before_start(plan::JobId job, int attempt, plan::Launch& launch) override;
  Result<void> clear_outputs(plan::JobId job) override;
  bool outputs_pending(const plan::Exit& exit) override;
  bool runs_again(const plan::Exit& exit) override;
  Result<void> check_outputs(const plan::Exit& exit) override;
  bool is_up(plan::JobId service) override { return files_.is_up(nodes_[service]); }
  Result<void> on_success(const plan::Exit& exit) override;
  void on_failure(const plan::Exit& exit, bool will_retry) override;
  Result<void> commit() override;
  plan::JobName name(plan::JobId job) const override;
  Result<std::vector<Impossible>> grow() override;
  double grows_in_s() override;

 private:
  // What is kept for a job between its preparation and its end.
  struct Running {
    JobDemands::SharedDemand demand;  // null if the rule alone determines it
    std::vector<Param> params;        // as answered; empty if the rule's params have no functions
    bool is_ahead = false;            // the demand lacks what depends on inputs that are still to be made
    std::string command, message;
    std::unique_ptr<Shadow> shadow;
    std::optional<store::JobRecord> record;  // of this attempt, as written when it starts
    std::vector<plan::Usage> runs;           // of this attempt, if it is measured several times
    double ended_at = 0;                     // when its end was first reported; 0: not yet
    bool owns_outputs = false;               // what is at their paths was made by this attempt
  };

  // A job of a group.
  struct Member {
    enum class State : std::uint8_t { kIdle, kAhead, kStarted, kDone } state = State::kIdle;
    std::optional<plan::Launch> launch{};  // of its first attempt
  };

  Result<std::vector<Ensure>> answered_checks(plan::JobId job);
  void plan_groups(plan::JobGraph& graph);
  bool is_settled(NodeId node) const;
  Result<bool> have_queues_news();
  const Gangs::Gang* gang_of(plan::JobId job) const { return gangs_ ? gangs_->of(nodes_[job]) : nullptr; }
  std::vector<std::pair<NodeId, Error>> grow_gangs(const GrowthStep& step);
  bool is_member(plan::JobId job) const { return members_.contains(job); }
  std::vector<plan::JobId> jobs_of_group(plan::JobId job) const;  // all jobs of JOB's group
  std::vector<plan::JobId> needs_of_group(plan::JobId job) const;
  void add_group_members(std::vector<plan::JobId>& asked);
  void keep_ahead(plan::JobId job, Result<Preparation> preparation);
  const deploy::Environment& environment_of(plan::JobId job, const Preparation& preparation);
  Result<plan::Launch> launch_of(plan::JobId job, int attempt, Preparation preparation);
  Result<void> contain(plan::JobId job, int attempt, std::vector<std::string> folders, plan::Launch& launch);
  bool may_be_followed(plan::JobId job) const;
  std::vector<plan::JobId> choose_members(plan::JobId leader) const;
  bool are_partners(plan::JobId a, plan::JobId b) const {
    return gangs_ != nullptr && gangs_->are_partners(nodes_[a], nodes_[b]);
  }
  void find_left(std::set<plan::JobId>& left, const std::vector<plan::JobId>& chosen) const;
  Result<void> take_along(plan::JobId leader);
  bool was_started(plan::JobId job) const;
  Result<void> start_ahead(plan::JobId job);
  void drop_dependents(plan::JobId failed, const plan::Exit& exit, bool will_retry);
  void drop_together(plan::JobId leader, const plan::Exit& exit, bool will_retry);
  void drop(plan::JobId member, const plan::Exit& exit, bool will_retry);
  plan::BatchFiles batch_files(plan::JobId job, const std::vector<FileId>& used_up) const;
  std::unordered_map<plan::JobId, std::uint32_t> depths_in_group(const std::vector<plan::JobId>& jobs) const;
  std::vector<GroupMember> group_members(const std::vector<plan::JobId>& jobs) const;
  bool is_used_up(FileId file);
  bool is_out_of_sight(FileId file) const;

  Result<void> check_in_flight(plan::JobId job);
  bool needs_no_command(plan::JobId job) const;
  void prepare_touch(std::span<const plan::JobId> jobs, int attempt);
  void take_preparation(plan::JobId job, int attempt, Result<Preparation> preparation);
  void give_launch(plan::JobId job, int attempt, Preparation preparation);
  Result<void> clear(plan::JobId job);
  Result<void> enter_shadow(plan::JobId job, int attempt, plan::Launch& launch);
  Result<void> check_and_move(plan::JobId job);
  store::JobRecord make_record(plan::JobId job, int attempt) const;
  store::JobRecord take_record(const plan::Exit& exit);
  Result<void> write_benchmark(const plan::Exit& exit) const;
  BenchmarkedJob benchmarked(const plan::Exit& exit) const;

  const Dag& dag_;
  const RuleSet& rules_;
  Evaluator& evaluator_;
  JobDemands& demands_;
  JobFiles& files_;
  Recorder* recorder_;
  SourceOptions options_;
  plan::PrepareListener* listener_ = nullptr;
  PlannedJobs planned_;
  const std::vector<NodeId>& nodes_;  // by job
  Growth* growth_ = nullptr;
  Gangs* gangs_ = nullptr;
  PlannedJobs::StartsTogether are_here_;
  double next_queue_look_ = 0;
  std::vector<NodeId> ended_;  // for which functions may wait, since the graph has last grown
  std::unordered_map<plan::JobId, Running> running_;
  mutable CodeHashes code_hashes_;
  std::string host_;
  plan::InFlightJobs* in_flight_jobs_ = nullptr;
  std::set<plan::JobId> taken_over_;
  SoftwareEnvironments* environments_ = nullptr;
  const JobGroups* groups_ = nullptr;
  std::unordered_map<plan::JobId, Member> members_;
  std::unordered_map<plan::JobId, std::vector<plan::JobId>> together_;  // by leader, which comes first
  std::unordered_map<FileId, std::vector<plan::JobId>> temp_users_;     // filled when first needed
  // Expires with this object: the evaluator may answer after the run was abandoned.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace furrow::workflow
