#include "cli/watch/followed_runs.hpp"

#include <algorithm>

#include "store/run_mark.hpp"

namespace furrow::cli {

std::string FollowedRun::state() const { return live.has_finished() || may_live ? live.state() : "killed"; }

Result<void> FollowedRuns::refresh() {
  const std::vector<store::JournaledRun> all = store::journaled_runs(folder_);
  std::vector<std::unique_ptr<FollowedRun>> kept;
  for (const store::JournaledRun& run : all) {
    const auto known =
        std::find_if(runs_.begin(), runs_.end(), [&](const auto& one) { return one && one->id == run.run; });
    if (!run.may_live && &run != &all.back()) continue;
    if (known != runs_.end()) {
      kept.push_back(std::move(*known));
    } else {
      // What is there before a run is read once for each run: it may be a large file.
      earlier_ = report::earlier_times(folder_);
      kept.push_back(std::make_unique<FollowedRun>(run));
    }
    kept.back()->may_live = run.may_live;
  }
  runs_ = std::move(kept);
  for (const auto& run : runs_) {
    FURROW_TRY(run->reader.read(run->live));
    run->is_here = store::RunMark::from(run->live.facts().mark).is_of_this_host();
    if (run->is_running() && run->is_here) run->memory.look();
  }
  return {};
}

bool FollowedRuns::has_running() const {
  return std::any_of(runs_.begin(), runs_.end(), [](const auto& run) { return run->is_running(); });
}

}  // namespace furrow::cli
