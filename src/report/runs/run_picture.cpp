#include "report/runs/run_picture.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "report/runs/choose_run.hpp"
#include "report/runs/job_collector.hpp"
#include "report/runs/run_analysis.hpp"
#include "store/store.hpp"

namespace furrow::report {

namespace {

// Jobs that end while the store is copied have an event, or a record, or both.
void add_record(RunPicture& picture, std::unordered_map<std::string, std::uint32_t>& jobs,
                store::JobRecord& record, const PictureOptions& options) {
  const auto found = jobs.find(record.key);
  const bool is_known = found != jobs.end();
  if (!is_known) jobs.emplace(record.key, static_cast<std::uint32_t>(picture.jobs.size()));
  PicturedJob& job = is_known ? picture.jobs[found->second] : picture.jobs.emplace_back();
  if (options.with_commands) job.command = record.command;
  const bool has_ended = record.phase != store::JobPhase::kStarted;
  // Until its end, the record does not know the machine.
  if (has_ended || !is_known) job.host = record.host;
  // The engine was killed before it wrote the event.
  const bool is_newer = job.is_of_run && job.ended_at == 0 && has_ended && record.attempt == job.attempt &&
                        record.finished_at >= job.handed_at;
  if (is_known && !is_newer) return;
  // The same, of its start.
  const bool is_unwritten = !is_known && picture.has_journal && !picture.has_finished &&
                            options.run.empty() && record.started_at >= picture.facts.began_at;
  job.key = record.key;
  job.rule = record.rule;
  job.wildcards = record.wildcards;
  job.attempt = record.attempt;
  job.threads = std::max(1, record.threads);
  job.status = record.status;
  job.signal = record.signal;
  job.user_s = record.user_s;
  job.system_s = record.system_s;
  job.max_rss_kb = record.max_rss_kb;
  job.started_at = record.started_at;
  job.ended_at = has_ended ? std::max(record.started_at, record.finished_at) : 0;
  if (is_newer || is_unwritten) {
    job.is_of_run = true;
    job.state = record.phase == store::JobPhase::kFinished ? JobState::kDone
                : has_ended                                ? JobState::kFailed
                                                           : JobState::kRunning;
    const auto number = static_cast<std::uint32_t>(&job - picture.jobs.data());
    if (is_unwritten)
      picture.attempts.push_back({number, job.attempt, job.state, job.started_at, job.ended_at, 0});
  } else {
    job.state = record.phase == store::JobPhase::kFinished ? JobState::kEarlier : JobState::kFailedEarlier;
  }
}

// Without a journal, as of an older program, what the records say is all that is known.
void take_all_as_one_run(RunPicture& picture) {
  for (std::uint32_t at = 0; at < picture.jobs.size(); ++at) {
    PicturedJob& job = picture.jobs[at];
    job.is_of_run = true;
    job.state = job.state == JobState::kEarlier ? JobState::kDone
                : job.ended_at == 0             ? JobState::kInterrupted
                                                : JobState::kFailed;
    if (job.started_at <= 0) continue;
    picture.attempts.push_back(
        {at, job.attempt, job.state, job.started_at, job.ended_at > 0 ? job.ended_at : job.started_at, 0});
    const double began = picture.facts.began_at;
    picture.facts.began_at = began > 0 ? std::min(began, job.started_at) : job.started_at;
    picture.ended_at = std::max({picture.ended_at, job.started_at, job.ended_at});
  }
}

void end_open_jobs(RunPicture& picture, double now) {
  if (picture.is_running) {
    picture.ended_at = std::max(picture.ended_at, now);
    return;
  }
  for (PicturedAttempt& attempt : picture.attempts) {
    PicturedJob& job = picture.jobs[attempt.job];
    if (attempt.ended_at > 0) continue;
    const bool is_last = attempt.number == job.attempt;
    attempt.ended_at =
        is_last && job.ended_at > 0 ? job.ended_at : std::max(picture.ended_at, attempt.started_at);
    attempt.state = is_last && job.ended_at > 0 ? job.state : JobState::kInterrupted;
    picture.ended_at = std::max(picture.ended_at, attempt.ended_at);
  }
  for (PicturedJob& job : picture.jobs) {
    if (job.state == JobState::kRunning || job.state == JobState::kWaiting)
      job.state = JobState::kInterrupted;
  }
}

}  // namespace

const char* name_of(JobState state) {
  switch (state) {
    case JobState::kDone:
      return "done";
    case JobState::kFailed:
      return "failed";
    case JobState::kTimedOut:
      return "timed out";
    case JobState::kInterrupted:
      return "interrupted";
    case JobState::kRunning:
      return "running";
    case JobState::kWaiting:
      return "waiting";
    case JobState::kEarlier:
      return "made earlier";
    case JobState::kFailedEarlier:
      return "failed earlier";
  }
  return "?";
}

Result<RunPicture> picture_of(const std::string& folder, const PictureOptions& options) {
  FURROW_TRY(check_store(folder));
  RunPicture picture;
  const std::vector<store::JournaledRun> runs = store::journaled_runs(folder);
  const store::JournaledRun* const run = FURROW_TRY(choose_run(runs, options.run));
  JobCollector collector(picture);
  if (run) {
    // The state first: a run that ends meanwhile has then written its end.
    picture.is_running = run->may_live;
    FURROW_TRY(store::EventJournalReader(run->path).read(collector));
    picture.has_journal = true;
    picture.is_running = picture.is_running && !picture.has_finished;
  }
  const auto store = FURROW_TRY(store::Store::open_readonly(folder));
  std::unordered_map<std::string, std::uint32_t> numbers;
  for (std::uint32_t at = 0; at < picture.jobs.size(); ++at) numbers.emplace(picture.jobs[at].key, at);
  JobNeeds needs;
  picture.damaged = FURROW_TRY(store->for_each_record([&](store::JobRecord record) {
    add_record(picture, numbers, record, options);
    needs.add(numbers.at(record.key), record);
  }));
  if (!run) take_all_as_one_run(picture);
  end_open_jobs(picture, options.now);
  analyse(picture, needs, options.now);
  return picture;
}

}  // namespace furrow::report
