// What is known of one run and of all jobs of its folder: from the records in the store, and from the run's journal of events
// if there is one. Built anew for each report; times are seconds since the epoch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "store/event_journal.hpp"
#include "store/job_record.hpp"

namespace furrow::report {

enum class JobState : std::uint8_t {
  kDone,
  kFailed,
  kTimedOut,
  kInterrupted,  // by a signal to the engine, or since the engine was killed
  kRunning,
  kWaiting,        // for another attempt
  kEarlier,        // done by an earlier run: up to date, or not asked for
  kFailedEarlier,  // or interrupted, and not tried in this run
};
const char* name_of(JobState state);

constexpr std::uint32_t kNoJob = 0xffffffff;

struct PicturedJob {
  std::string rule{}, key{}, wildcards{}, reason{}, host{}, error{}, output{}, command{};
  std::vector<std::string> logs{};
  JobState state = JobState::kEarlier;
  bool is_of_run = false;
  int attempt = 1, threads = 1, status = 0, signal = 0;
  double ready_at = 0;                  // its last input was there; 0: not known
  double handed_at = 0;                 // the last attempt was given to the executor; 0: not known
  double started_at = 0, ended_at = 0;  // of the last attempt; 0: not yet
  double work_s = 0;                    // of all attempts
  double user_s = 0, system_s = 0;
  std::int64_t max_rss_kb = 0;  // 0: not known
  // Of the jobs of this run that it needed, the one that ended last.
  std::uint32_t waited_for = kNoJob;
  // The longest chain of work that ends with this job, and the job before it there.
  double chain_s = 0;
  std::uint32_t chain_before = kNoJob;

  // Of all attempts in this run; of an earlier run the last one is all that is known.
  double worked_s() const { return is_of_run ? work_s : std::max(0.0, ended_at - started_at); }
  double waited_s() const {
    return started_at > 0 && ready_at > 0 ? std::max(0.0, started_at - ready_at) : 0;
  }
};

struct PicturedAttempt {
  std::uint32_t job = 0;
  int number = 1;
  JobState state = JobState::kDone;
  double started_at = 0, ended_at = 0;  // 0: it runs
  std::uint32_t slot = 0;
};

// Core seconds of a run: what its cores did.
struct CoreUse {
  double worked = 0;
  // No job was ready: all that were left waited for others.
  double idle_waiting = 0;
  // Jobs were ready, but resources, threads or the engine itself held them back.
  double idle_ready = 0;
};

struct RunPicture {
  // Whether there is a journal; without one, all jobs of the folder count as one run.
  bool has_journal = false, is_running = false, has_finished = false;
  store::RunFacts facts{};
  std::string workflow{};  // of which workflow: WorkflowFacts as JSON; empty: from an older program
  double ended_at = 0;     // or the last that is known
  int code = 0;
  std::uint64_t due = 0, skipped = 0;
  int stopped_by = 0;  // a signal
  std::vector<store::RulePlan> plan{};
  std::vector<PicturedJob> jobs{};
  std::vector<PicturedAttempt> attempts{};
  std::uint32_t slots = 0;
  std::vector<std::uint32_t> chain{};  // the longest chain of work, from its beginning
  CoreUse cores{};
  double waited_s = 0;      // of all jobs together: ready, but not started
  std::size_t damaged = 0;  // records that could not be read

  double wall_s() const { return facts.began_at > 0 ? std::max(0.0, ended_at - facts.began_at) : 0; }
  double chain_s() const { return chain.empty() ? 0 : jobs[chain.back()].chain_s; }
};

struct PictureOptions {
  // The id of a run, or the beginning of it; empty: the last one.
  std::string run{};
  bool with_commands = false;
  double now = 0;
};

// Of the store FOLDER, which nobody is disturbed by. Fails if there is none, if it is damaged or of a later version, or if
// there is no such run.
Result<RunPicture> picture_of(const std::string& folder, const PictureOptions& options);

}  // namespace furrow::report
