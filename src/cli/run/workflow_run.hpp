// Runs a planned workflow; owns everything that lives only while jobs run.
#pragma once

#include <memory>

#include "cli/job_trace.hpp"
#include "cli/run/dashboard.hpp"
#include "cli/run/job_results.hpp"
#include "cli/run/progress.hpp"
#include "cli/run/workflow_session.hpp"
#include "exec/ranks/mpi_executor.hpp"
#include "farm/farm.hpp"
#include "workflow/workflow_source.hpp"

namespace furrow::cli {

class WorkflowRun {
 public:
  explicit WorkflowRun(WorkflowSession& session) : session_(session) {}
  int run();

 private:
  void remove_leftovers();
  std::string where() const;  // where jobs run, for people
  Result<void> start_watchdog();
  Result<void> expect_jobs();
  // Looks for mistakes in the jobs before any starts; if there are some, the end of the run.
  std::optional<farm::Summary> check_jobs();
  std::optional<farm::Summary> set_up_software();
  std::unique_ptr<plan::Executor> executor_on_ranks(os::EventLoop& loop,
                                                    const workflow::WorkflowSource& source,
                                                    plan::Executor& local, exec::OutputSink& sink) const;
  Result<farm::Summary> run_jobs(const std::string& log_path);
  void follow_with_trace(const workflow::WorkflowSource& source);
  plan::Budget budget(plan::Resources& resources) const;
  Result<std::string> start_log() const;
  int finish(const farm::Summary& summary, const std::string& log_path);
  bool is_quiet() const { return session_.options().quiet_all; }

  WorkflowSession& session_;
  JobResults results_{session_};
  std::unique_ptr<Dashboard> dashboard_;  // null: none
  std::unique_ptr<JobTrace> trace_;       // null: none
  std::string submissions_;               // to a cluster, for the summary
};

}  // namespace furrow::cli
