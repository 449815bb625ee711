// The runs of a folder, followed by their journals: those that live, and the last one. Reads what is new, and no more. Not
// thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/watch/job_memory.hpp"
#include "report/runs/live_run.hpp"
#include "store/event_journal.hpp"

namespace furrow::cli {

struct FollowedRun {
  explicit FollowedRun(const store::JournaledRun& run) : reader(run.path), id(run.run), memory(run.run) {}
  store::EventJournalReader reader;
  report::LiveRun live;
  std::string id;
  JobMemory memory;
  bool is_here = false;  // on this machine
  bool may_live = true;

  bool is_running() const { return may_live && !live.has_finished(); }
  // "running", "done", "failed", "interrupted", "killed".
  std::string state() const;
};

class FollowedRuns {
 public:
  // Of the store FOLDER.
  explicit FollowedRuns(std::string folder) : folder_(std::move(folder)) {}

  Result<void> refresh();
  // In the order of their begin.
  const std::vector<std::unique_ptr<FollowedRun>>& runs() const { return runs_; }
  bool has_running() const;
  std::optional<double> remaining_s(const FollowedRun& run, double now) const {
    return run.live.remaining_s(now, earlier_);
  }

 private:
  std::string folder_;
  std::vector<std::unique_ptr<FollowedRun>> runs_;
  report::RuleTimes earlier_;
};

}  // namespace furrow::cli
