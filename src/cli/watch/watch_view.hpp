// What `furrow watch` shows of runs, as lines of text.
#pragma once

#include <string>
#include <vector>

#include "cli/watch/followed_runs.hpp"

namespace furrow::cli {

struct WatchView {
  std::string folder{};  // in which the runs work
  int columns = 80;
  int lines = 0;  // 0: as many as it takes
  double now = 0;
  bool has_colours = false;
  bool is_interactive = false;
  // Of the jobs that run, in the order in which they are shown; -1: none.
  int selected = -1;
  bool shows_log = false, shows_failures = true;
};

std::vector<std::string> lines_of(const FollowedRuns& runs, const WatchView& view);
// One line about a run, for where there is no terminal.
std::string summary_of(const FollowedRuns& runs, const FollowedRun& run, double now);
// Its part that changes only with the run.
std::string counts_of(const FollowedRun& run);
// "rule (s=a): exit code 3".
std::string failure_text(const report::FailedJob& failure);
std::size_t running_jobs(const FollowedRuns& runs);

}  // namespace furrow::cli
