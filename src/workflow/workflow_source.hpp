// The jobs of a workflow as the farm sees them: what each asks for, what to execute, what to do before and
// after.
//
// A node of the Dag that must run becomes a job of the JobGraph; from then on the farm calls. Not
// thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "plan/job_source.hpp"
#include "plan/under_way.hpp"
#include "workflow/identity.hpp"
#include "workflow/job_demands.hpp"
#include "workflow/job_files.hpp"
#include "workflow/recorder.hpp"
#include "workflow/shadow.hpp"

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
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // answers may come after a run was given up
};

}  // namespace furrow::workflow
