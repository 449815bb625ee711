// For --stats: how long the jobs of a run took, by rule and by file, as version 7 of Snakemake writes it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/event.hpp"
#include "workflow/workflow_source.hpp"

namespace furrow::cli {

class RunStats final : public plan::EventSink {
 public:
  explicit RunStats(const workflow::WorkflowSource& source) : source_(source) {}  // borrowed

  void on_event(const plan::Event& event) override;
  Result<void> write(const std::string& path) const;
  static Result<void> write_empty(const std::string& path);  // of a run without jobs

 private:
  struct JobTime {
    plan::JobId job;
    double started_at, ended_at;
    workflow::JobDemands::SharedDemand demand;
  };

  std::string text() const;

  const workflow::WorkflowSource& source_;
  std::map<plan::JobId, workflow::JobDemands::SharedDemand> running_;
  std::vector<JobTime> ended_;  // those that succeeded
};

}  // namespace furrow::cli
