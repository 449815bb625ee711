// The jobs of a workflow as the farm sees them: what each asks for, what to execute, what to do before and
// after.
//
// A node of the Dag that must run becomes a job of the JobGraph; from then on the farm calls.
//
// Jobs of a group that goes to a cluster (JobGroups) become ready when all that any of them needs from
// outside is there. The first of them that starts, the *leader*, takes the others along: they are prepared,
// their files are looked after and they are recorded as started with it, although the farm starts them one by
// one later, as what they need ends. States of such a job: idle -> ahead (taken along) -> started (by the
// farm) -> done; back to idle where what it needs has failed. What cannot be prepared yet, since a function
// needs to see a file that the group makes, stays idle. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "plan/batch_files.hpp"
#include "plan/job_source.hpp"
#include "plan/under_way.hpp"
#include "workflow/dag/identity.hpp"
#include "workflow/jobs/group_demand.hpp"
#include "workflow/jobs/job_demands.hpp"
#include "workflow/jobs/job_files.hpp"
#include "workflow/jobs/job_groups.hpp"
#include "workflow/jobs/recorder.hpp"
#include "workflow/jobs/shadow.hpp"

namespace furrow::workflow {

struct SourceOptions {
  int retries = 0;                               // for rules that do not say
  std::set<std::string> prioritized;             // rules or files
  std::string shadow_folder = ".furrow/shadow";  // this run's own
  bool touch_only = false;  // --touch: outputs are touched and recorded, nothing is executed
};

class WorkflowSource final : public plan::JobSource {
 public:
  // Borrows all; RECORDER may be null.
  WorkflowSource(const Dag& dag, const RuleSet& rules, Evaluator& evaluator, JobDemands& demands,
                 JobFiles& files, Recorder* recorder, SourceOptions options);

  // Adds the jobs of all nodes that must run, and what they wait for.
  void plan(plan::JobGraph& graph, const std::function<bool(NodeId)>& must_run);

  NodeId node(plan::JobId job) const { return nodes_[job]; }
  const RuleSet& rules() const { return rules_; }
  const Dag& dag() const { return dag_; }
  const std::string& message(plan::JobId job) const;  // of its rule, empty where there is none
  const std::string& command(plan::JobId job) const;  // of a job that runs or has failed
  std::vector<std::string> logs(plan::JobId job) const;
  std::string place(plan::JobId job) const;  // "name, FILE:LINE" of its rule

  // For executors to which a job is more than its launch.
  bool is_local(plan::JobId job) const;           // it runs on this machine, wherever the others do
  std::uint64_t identity(plan::JobId job) const;  // its code, params and inputs
  std::string key(plan::JobId job) const;         // of its record
  JobDemands::SharedDemand demand_of(plan::JobId job, int attempt) const;
  JobView view(plan::JobId job, int attempt) const;

  // Before plan(). Borrowed.
  void set_groups(const JobGroups* groups) { groups_ = groups; }
  // A job that its leader takes along, or the leader itself, which comes first.
  struct Together {
    plan::JobId job;
    plan::Launch launch;               // the leader's is empty
    std::vector<std::uint32_t> after;  // places of those among them that it needs
    plan::BatchFiles files;
  };
  // Empty where JOB leads nobody. Asked once, when it has been started.
  std::vector<Together> take_together(plan::JobId job);
  bool leads(plan::JobId job) const { return together_.contains(job); }
  const std::string& group_name(plan::JobId job) const;
  // What JOB and those that it took along ask for.
  Result<JobDemands::Demand> demand_together(plan::JobId job,
                                             const std::map<std::string, std::int64_t>& limits) const;
  // For a command that submits them: files that go in and come out, wildcards of all.
  JobView view_together(plan::JobId job) const;

  // What an earlier engine may have left running, and whether JOB waits for such a one. Borrowed.
  void set_under_way(plan::UnderWay* under_way) { under_way_ = under_way; }
  bool is_under_way(plan::JobId job) const { return taken_over_.contains(job); }

  void set_prepare_listener(plan::PrepareListener* listener) override { listener_ = listener; }
  void prepare(std::span<const plan::JobId> jobs, int attempt) override;
  std::vector<Result<plan::DemandId>> demands(std::span<const plan::JobId> jobs, int attempt) override;
  void get_ready(plan::JobId job, int attempt) override;
  Result<void> starting(plan::JobId job, int attempt, plan::Launch& launch) override;
  bool is_late(const plan::Exit& exit) override;
  Result<void> finished(const plan::Exit& exit) override;
  void failed(const plan::Exit& exit, bool will_retry) override;
  Result<void> commit() override;
  plan::JobName name(plan::JobId job) const override;

 private:
  // What a job carries from being prepared to its end.
  struct Running {
    JobDemands::SharedDemand demand;  // null where the rule alone says it
    std::vector<Param> params;        // answered; empty where the rule has no functions
    std::string command, message;
    std::unique_ptr<Shadow> shadow;
    std::optional<store::JobRecord> record;  // of this attempt, as it is written at its start
    double ended_at = 0;                     // when it was first heard that it ended; 0: not yet
  };

  // Of a group.
  struct Member {
    enum class State : std::uint8_t { kIdle, kAhead, kStarted, kDone } state = State::kIdle;
    std::optional<plan::Launch> launch{};  // of its first attempt
  };

  void plan_groups(plan::JobGraph& graph, const std::vector<plan::JobId>& jobs);
  bool is_member(plan::JobId job) const { return members_.contains(job); }
  std::vector<plan::JobId> mates(plan::JobId job) const;  // all of its group
  std::vector<plan::JobId> needs_of_group(plan::JobId job) const;
  void add_mates(std::vector<plan::JobId>& asked);
  void keep_ahead(plan::JobId job, Result<Preparation> preparation);
  plan::Launch launch_of(plan::JobId job, int attempt, Preparation preparation);
  bool may_be_followed(plan::JobId job) const;
  std::vector<plan::JobId> choose_mates(plan::JobId leader) const;
  Result<void> take_along(plan::JobId leader);
  bool was_started(plan::JobId job) const;
  Result<void> start_ahead(plan::JobId job);
  void leave_behind(plan::JobId failed, const plan::Exit& exit, bool will_retry);
  plan::BatchFiles batch_files(plan::JobId job, const std::vector<FileId>& used_up) const;
  std::vector<GroupMember> group_members(const std::vector<plan::JobId>& jobs) const;
  bool is_used_up(FileId file);
  bool is_out_of_sight(FileId file) const;

  void find_depths(const std::function<bool(NodeId)>& must_run);
  bool is_prioritized(NodeId node) const;
  Result<void> look_under_way(plan::JobId job);
  void take_preparation(plan::JobId job, int attempt, Result<Preparation> preparation);
  Result<void> enter_shadow(plan::JobId job, int attempt, plan::Launch& launch);
  Result<void> check_and_move(plan::JobId job);
  store::JobRecord make_record(plan::JobId job, int attempt) const;
  store::JobRecord take_record(const plan::Exit& exit);
  Result<void> write_benchmark(const plan::Exit& exit) const;

  const Dag& dag_;
  const RuleSet& rules_;
  Evaluator& evaluator_;
  JobDemands& demands_;
  JobFiles& files_;
  Recorder* recorder_;
  SourceOptions options_;
  plan::PrepareListener* listener_ = nullptr;
  std::vector<NodeId> nodes_;          // by job
  std::vector<std::uint32_t> depths_;  // by node
  std::unordered_map<plan::JobId, Running> running_;
  mutable CodeHashes code_hashes_;
  std::string host_;
  plan::UnderWay* under_way_ = nullptr;
  std::set<plan::JobId> taken_over_;
  const JobGroups* groups_ = nullptr;
  std::vector<plan::JobId> jobs_;  // by node, where there are groups
  std::unordered_map<plan::JobId, Member> members_;
  std::unordered_map<plan::JobId, std::vector<plan::JobId>> together_;  // by leader, it first
  std::unordered_map<FileId, std::vector<plan::JobId>> temp_users_;     // found when they are first asked for
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // answers may come after a run was given up
};

}  // namespace furrow::workflow
