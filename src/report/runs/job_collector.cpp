#include "report/runs/job_collector.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace furrow::report {

namespace {

JobState state_of(store::JobEnd::State state) {
  switch (state) {
    case store::JobEnd::State::kFailed:
      return JobState::kFailed;
    case store::JobEnd::State::kInterrupted:
      return JobState::kInterrupted;
    case store::JobEnd::State::kTimedOut:
      return JobState::kTimedOut;
    default:
      return JobState::kDone;
  }
}

}  // namespace

void JobCollector::see(double at) { picture_.ended_at = std::max(picture_.ended_at, at); }

void JobCollector::on_run(const store::RunFacts& facts) {
  picture_.facts = facts;
  see(facts.began_at);
}

void JobCollector::on_start(const store::JobStart& start) {
  const auto [place, is_new] =
      numbers_.try_emplace(start.job, static_cast<std::uint32_t>(picture_.jobs.size()));
  if (is_new) picture_.jobs.emplace_back();
  PicturedJob& job = picture_.jobs[place->second];
  job.rule = start.rule;
  job.key = start.key;
  job.wildcards = start.wildcards;
  job.reason = start.reason;
  job.logs = split(start.logs, '\n');
  job.host = picture_.facts.host;
  job.state = JobState::kRunning;
  job.is_of_run = true;
  job.attempt = start.attempt;
  job.threads = std::max(1, start.threads);
  job.handed_at = job.started_at = start.at;
  job.ended_at = 0;
  open_[start.job] = picture_.attempts.size();
  picture_.attempts.push_back({place->second, start.attempt, JobState::kRunning, start.at, 0, 0});
  see(start.at);
}

void JobCollector::on_place(const store::JobPlace& place) {
  if (const auto job = numbers_.find(place.job); job != numbers_.end())
    picture_.jobs[job->second].host = place.host;
}

void JobCollector::on_end(const store::JobEnd& end) {
  const auto found = open_.find(end.job);
  if (found == open_.end()) return;
  PicturedAttempt& attempt = picture_.attempts[found->second];
  open_.erase(found);
  PicturedJob& job = picture_.jobs[attempt.job];
  if (end.started_at > 0) attempt.started_at = end.started_at;
  attempt.ended_at = end.started_at > 0 ? end.started_at + end.wall_s : std::max(end.at, attempt.started_at);
  attempt.state = state_of(end.state);
  job.started_at = attempt.started_at;
  job.ended_at = attempt.ended_at;
  job.state = end.will_retry ? JobState::kWaiting : attempt.state;
  job.status = end.status;
  job.signal = end.signal;
  job.user_s = end.user_s;
  job.system_s = end.system_s;
  job.max_rss_kb = std::max(job.max_rss_kb, end.max_rss_kb);
  job.error = end.error;
  job.output = end.output;
  see(std::max(end.at, attempt.ended_at));
}

void JobCollector::on_stopping(int signal, double at) {
  picture_.stopped_by = signal;
  see(at);
}

void JobCollector::on_finish(int code, double at) {
  picture_.has_finished = true;
  picture_.code = code;
  see(at);
}

}  // namespace furrow::report
