#include "report/crate/run_history.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "report/runs/choose_run.hpp"
#include "report/runs/job_collector.hpp"
#include "store/store.hpp"

namespace furrow::report {

namespace {

// A record's times are those of the machine that ran the job, whose clock may differ from the engine's.
constexpr double kClocks_s = 2;

// One run by its journal, with its jobs by their keys.
struct JournalOfRun {
  RunPicture picture{};
  std::unordered_map<std::string, std::uint32_t> jobs{};
};

Result<JournalOfRun> read_journal(const store::JournaledRun& run) {
  JournalOfRun journal;
  JobCollector collector(journal.picture);
  // The state first: a run that ends meanwhile has then written its end.
  journal.picture.is_running = run.may_live;
  FURROW_TRY(store::EventJournalReader(run.path).read(collector));
  journal.picture.is_running = journal.picture.is_running && !journal.picture.has_finished;
  for (std::uint32_t at = 0; at < journal.picture.jobs.size(); ++at)
    journal.jobs.emplace(journal.picture.jobs[at].key, at);
  return journal;
}

Result<HistoryRun> run_of(const RunPicture& picture) {
  HistoryRun run;
  run.facts = picture.facts;
  if (!picture.workflow.empty()) {
    auto facts = workflow_facts_from(picture.workflow);
    if (!facts) {
      facts.error().hint =
          "Remove the journal of the run " + run.facts.run + " from .furrow/runs: no run relies on it.";
      return fail(std::move(facts.error()));
    }
    run.workflow = std::move(*facts);
  }
  run.is_running = picture.is_running;
  run.has_finished = picture.has_finished;
  run.ended_at = picture.ended_at;
  run.code = picture.code;
  run.stopped_by = picture.stopped_by;
  return run;
}

class HistoryMaker {
 public:
  explicit HistoryMaker(const std::vector<JournalOfRun>& journals) : journals_(journals) {}

  Result<RunHistory> history() && {
    for (const JournalOfRun& journal : journals_)
      history_.runs.push_back(FURROW_TRY(run_of(journal.picture)));
    // Runs that are not remembered; dropped again if no job is of them.
    history_.runs.emplace_back().is_remembered = false;
    return std::move(history_);
  }

  void add(store::JobRecord record) {
    HistoryJob job;
    const auto [run, known] = run_of_record(record);
    job.run = run;
    job.state = state_of(record, run, known);
    if (known) {
      job.error = known->error;
      job.output = known->output;
    }
    job.record = std::move(record);
    history_.jobs.push_back(std::move(job));
  }

 private:
  using Found = std::pair<std::uint32_t, const PicturedJob*>;

  // The last run that has started the job, and not after its record says so. The journal of a run that was killed may not
  // have the start.
  Found run_of_record(const store::JobRecord& record) const {
    for (std::size_t at = journals_.size(); at-- > 0;) {
      const RunPicture& run = journals_[at].picture;
      if (record.started_at <= 0 || record.started_at + kClocks_s < run.facts.began_at) continue;
      const auto found = journals_[at].jobs.find(record.key);
      if (found != journals_[at].jobs.end())
        return {static_cast<std::uint32_t>(at), &run.jobs[found->second]};
      if (!run.has_finished) return {static_cast<std::uint32_t>(at), nullptr};
    }
    return {static_cast<std::uint32_t>(journals_.size()), nullptr};
  }

  JobState state_of(const store::JobRecord& record, std::uint32_t run, const PicturedJob* known) const {
    if (record.phase == store::JobPhase::kFinished) return JobState::kDone;
    if (record.phase == store::JobPhase::kStarted) {
      const bool may_run = run < journals_.size() && journals_[run].picture.is_running;
      return may_run ? JobState::kRunning : JobState::kInterrupted;
    }
    const bool is_noted =
        known && (known->state == JobState::kTimedOut || known->state == JobState::kInterrupted);
    return is_noted ? known->state : JobState::kFailed;
  }

  const std::vector<JournalOfRun>& journals_;
  RunHistory history_;
};

// Keeps the runs that have jobs, and numbers them anew.
void drop_empty_runs(RunHistory& history) {
  std::vector<std::uint32_t> places(history.runs.size(), kNoJob);
  for (const HistoryJob& job : history.jobs) places[job.run] = 0;
  std::vector<HistoryRun> kept;
  // What is not remembered was before the others.
  if (places.back() == 0) {
    places.back() = 0;
    kept.push_back(std::move(history.runs.back()));
  }
  for (std::size_t at = 0; at + 1 < places.size(); ++at) {
    if (places[at] == kNoJob) continue;
    places[at] = static_cast<std::uint32_t>(kept.size());
    kept.push_back(std::move(history.runs[at]));
  }
  for (HistoryJob& job : history.jobs) job.run = places[job.run];
  history.runs = std::move(kept);
}

// By what is known of its jobs.
void describe_forgotten(RunHistory& history) {
  for (const HistoryJob& job : history.jobs) {
    HistoryRun& run = history.runs[job.run];
    if (run.is_remembered) continue;
    double& began = run.facts.began_at;
    if (job.record.started_at > 0)
      began = began > 0 ? std::min(began, job.record.started_at) : job.record.started_at;
    run.ended_at = std::max(run.ended_at, job.record.finished_at);
  }
}

}  // namespace

Result<RunHistory> history_of(const std::string& folder, const std::string& wanted) {
  FURROW_TRY(check_store(folder));
  const std::vector<store::JournaledRun> runs = store::journaled_runs(folder);
  const store::JournaledRun* const chosen = FURROW_TRY(choose_run(runs, wanted));
  std::vector<JournalOfRun> journals;
  for (const store::JournaledRun& run : runs) journals.push_back(FURROW_TRY(read_journal(run)));
  HistoryMaker maker(journals);
  const auto store = FURROW_TRY(store::Store::open_readonly(folder));
  const std::size_t damaged =
      FURROW_TRY(store->for_each_record([&](store::JobRecord record) { maker.add(std::move(record)); }));
  RunHistory history = FURROW_TRY(std::move(maker).history());
  history.damaged = damaged;
  if (!wanted.empty()) {
    const auto number = static_cast<std::uint32_t>(chosen - runs.data());
    std::erase_if(history.jobs, [&](const HistoryJob& job) { return job.run != number; });
  }
  if (!wanted.empty() && history.jobs.empty())
    return fail(Error{"nothing that the run " + chosen->run +
                      " has made is left: later runs have run its jobs again"});
  std::sort(history.jobs.begin(), history.jobs.end(), [](const HistoryJob& a, const HistoryJob& b) {
    return std::tie(a.record.started_at, a.record.key) < std::tie(b.record.started_at, b.record.key);
  });
  drop_empty_runs(history);
  describe_forgotten(history);
  return history;
}

}  // namespace furrow::report
