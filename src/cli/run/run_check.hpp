// Finds mistakes in the jobs of a run before the first of them starts: commands and messages that cannot be
// rendered, functions that raise, outputs that may not be overwritten.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "cli/run/workflow_session.hpp"
#include "workflow/jobs/preview.hpp"

namespace furrow::cli {

class RunCheck {
 public:
  // SESSION is planned, and borrowed.
  explicit RunCheck(WorkflowSession& session);

  // Up to this many jobs, all are looked at; of more jobs, as many of each rule as come to about that number. Of a
  // rule whose jobs are uniform, one is.
  static constexpr std::size_t kMostJobs = 10'000;

  // Looks at these jobs and returns what they would execute.
  std::vector<Result<workflow::Preparation>> look(std::span<const workflow::NodeId> nodes);
  // Looks at jobs that must run for at most MOST_S seconds.
  void look_at_all(double most_s);
  // Looks whether the outputs of a job may be overwritten, and at nothing else.
  void look_at_outputs(workflow::NodeId node);
  // Looks whether the jobs that run at once have room together.
  void look_at_gangs();
  // Looks whether the command that submits jobs can be filled in, for one job of each rule.
  void look_at_submissions();
  // Whether the next job of its rule is to be looked at.
  bool wants(workflow::NodeId node);

  std::size_t failed() const { return failed_; }
  // Prints what was found, once for each rule.
  void report() const;

 private:
  struct Found {
    Error first;
    std::string job;  // the first job
    std::size_t jobs = 0;
  };

  bool is_in_flight(workflow::NodeId node);
  // Jobs of the rule that must run.
  std::size_t jobs_of(workflow::RuleId rule) const;
  // The job cannot run, and JOBS of its rule, with it, for the same reason.
  void note(workflow::NodeId node, const Error& error, std::size_t jobs = 1);

  WorkflowSession& session_;
  plan::Resources resources_;
  workflow::JobDemands demands_;
  workflow::Preview preview_;
  const bool may_be_adopted_;
  std::size_t quota_;                   // of jobs for each rule
  std::vector<std::size_t> looked_at_;  // by rule
  std::map<workflow::RuleId, Found> found_;
  std::size_t failed_ = 0;
};

// "rule (sample=a)"
std::string job_title(WorkflowSession& session, workflow::NodeId node);

}  // namespace furrow::cli
