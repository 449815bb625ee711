// What the store of a folder knows of its last runs together: for each job the run that made what is there now.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/runs/run_picture.hpp"
#include "report/workflow_facts.hpp"
#include "store/job_record.hpp"

namespace furrow::report {

struct HistoryRun {
  store::RunFacts facts{};
  WorkflowFacts workflow{};  // without a Snakefile: of an older program
  // Runs whose journals are gone count as one, of which only the records of their jobs are known.
  bool is_remembered = true;
  bool is_running = false, has_finished = false;
  double ended_at = 0;  // or the last that is known; 0: not known
  int code = 0, stopped_by = 0;

  bool has_succeeded() const { return !is_remembered || (has_finished && code == 0 && stopped_by == 0); }
};

struct HistoryJob {
  store::JobRecord record{};
  std::uint32_t run = 0;
  JobState state = JobState::kDone;  // done, failed, timed out, interrupted or running
  std::string error{}, output{};     // why it failed; the end of what it has printed
};

struct RunHistory {
  std::vector<HistoryRun> runs{};  // in the order of their begin
  std::vector<HistoryJob> jobs{};  // in the order of their begin
  std::size_t damaged = 0;         // records that could not be read
};

// Of the store FOLDER, a .furrow, which nobody is disturbed by. RUN: only the run whose id begins so; empty: all. Fails if
// there is no store, if it is damaged or of a later version, or if there is no such run.
Result<RunHistory> history_of(const std::string& folder, const std::string& run);

}  // namespace furrow::report
