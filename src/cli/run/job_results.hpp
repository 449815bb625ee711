// For --job-results: what happened to each job of a plan, one line of JSON for each.
//
// A line has rule, wildcards (an object), output and log (lists), reason (why the job must run; absent if it need not),
// and state: done, failed, interrupted, skipped (a job that it needs has failed), unstarted, unneeded (up to date), or
// would-run. Where the job ran: attempt, started_at (seconds since the epoch) and seconds; where it failed: status,
// signal and error.
#pragma once

#include <map>
#include <string>

#include "base/error.hpp"
#include "cli/run/workflow_session.hpp"
#include "plan/event.hpp"
#include "workflow/workflow_source.hpp"

namespace furrow::cli {

class JobResults final : public plan::EventSink {
 public:
  // SESSION is planned, and borrowed.
  explicit JobResults(WorkflowSession& session) : session_(session) {}

  // The jobs of SOURCE start. Borrowed.
  void follow(const workflow::WorkflowSource& source) { source_ = &source; }
  void on_event(const plan::Event& event) override;
  Result<void> write(const std::string& path) const;

 private:
  std::string state_of(workflow::NodeId node, const std::map<workflow::NodeId, std::string>& states) const;
  std::string line_of(workflow::NodeId node, const std::string& state) const;

  WorkflowSession& session_;
  const workflow::WorkflowSource* source_ = nullptr;
  std::map<workflow::NodeId, plan::Exit> ends_;
};

}  // namespace furrow::cli
