// The part of a run that is about gangs: jobs that are picked, started, settled and retried as one.
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "farm/farm_run.hpp"

namespace furrow::farm {

void Farm::Run::enqueue(const Gang& gang, DemandId demand) {
  plan::Job job = graph_.job(gang.jobs.front());
  job.demand = shares_.set(gang.jobs.front(), demand);
  queue_.push(gang.jobs.front(), job);
  ++news_;
}

bool Farm::Run::has_room_for(const Gang& gang) const {
  std::size_t taken = running_ + gang.jobs.size();
  for (const JobId job : picked_) taken += gangs_.size_of(job);
  return taken <= executor_.max_running();
}

// False as long as launches are missing.
bool Farm::Run::mark_starting(const Gang& gang) {
  const JobId first = gang.jobs.front();
  if (!gangs_.is_for_all(first, [&](JobId job) { return launches_.is_here(job); })) return false;
  std::vector<Starting> starting;
  for (const JobId job : gang.jobs) {
    Result<plan::Launch> launch = launches_.take(job);
    const int attempt = launches_.attempt(job);
    if (launch) {
      uncommitted_ = true;
      const Result<void> ready = source_.before_start(job, attempt, *launch);
      if (!ready) launch = fail(ready.error());
    }
    if (!launch) {
      shares_.give_back(first);
      look_again_ = true;
      gang_never_starts(gang, job, attempt, launch.error());
      return true;
    }
    starting.push_back({job, *std::move(launch)});
  }
  starting_gangs_.push_back(std::move(starting));
  return true;
}

void Farm::Run::clear_and_start(std::vector<Starting> starting) {
  const JobId first = starting.front().job;
  const Gang& gang = *graph_.gang(first);
  const int attempt = launches_.attempt(first);
  for (const Starting& one : starting) {
    const Result<void> cleared = source_.clear_outputs(one.job);
    if (cleared) continue;
    shares_.give_back(first);
    look_again_ = true;
    return gang_never_starts(gang, one.job, attempt, cleared.error());
  }
  for (const JobId job : gang.jobs) graph_.start(job);
  gangs_.begin(gang, attempt, std::move(starting));
  look_at_gangs();
}

// Starts what may start, ends what is to end, and settles what is over.
void Farm::Run::look_at_gangs() {
  for (const JobId first : gangs_.look(is_stopping(), [this](Starting& starting) { start(starting); })) {
    if (auto over = gangs_.take(first, !is_stopping())) settle(*std::move(over));
  }
}

// All have ended.
void Farm::Run::settle(RunningGang gang) {
  const JobId first = gang.jobs().front();
  const bool failed = gang.culprit() != plan::kNoJob;
  std::vector<Exit> exits = gang.exits(failed ? gangs_.title(gang.culprit()) : std::string());
  const bool was_cancelled = gang.was_cancelled() && !failed;
  shares_.give_back(first);
  uncommitted_ = look_again_ = true;
  if (failed) return gang_failed(std::move(exits), nullptr, true);
  if (was_cancelled) {
    for (const Exit& exit : exits) {
      ++summary_.cancelled;
      source_.on_failure(exit, false);
      emit({.kind = Event::Kind::kJobFailed, .job = exit.job, .attempt = exit.attempt, .exit = &exit});
    }
    return;
  }
  for (Exit& exit : exits) {
    const Result<void> checked = source_.check_outputs(exit);
    if (checked) continue;
    exit.error = checked.error().to_string();
    const std::string culprit = gangs_.title(exit.job);
    for (Exit& other : exits) {
      if (other.job != exit.job) other.error = ended_with(culprit);
    }
    std::swap(exit, exits.front());
    return gang_failed(std::move(exits), &checked.error(), true);
  }
  for (Exit& exit : exits) {
    if (const Result<void> done = succeed(exit); !done) attempt_failed(exit, &done.error(), false);
  }
}

// EXITS: how all of its jobs have ended, that of the job whose failure it is first.
void Farm::Run::gang_failed(std::vector<Exit> exits, const Error* error, bool may_retry) {
  const Gang& gang = *graph_.gang(exits.front().job);
  const JobId first = gang.jobs.front();
  const int attempt = exits.front().attempt;
  uncommitted_ = true;
  bool retry = may_retry && attempt <= graph_.job(first).retries && !is_halted();
  Result<DemandId> demand = DemandId{0};
  if (retry) {
    JobId culprit = first;
    demand = gangs_.demand_of(gang, attempt + 1, shares_.budget(), culprit);
    if (!demand) {
      retry = false;
      error = &demand.error();
    }
  }
  for (const Exit& exit : exits) {
    source_.on_failure(exit, retry);
    emit({.kind = Event::Kind::kJobFailed,
          .job = exit.job,
          .attempt = exit.attempt,
          .exit = &exit,
          .error = std::exchange(error, nullptr),
          .will_retry = retry});
  }
  for (const Exit& exit : exits) {
    if (!retry) {
      give_up(exit.job);
      continue;
    }
    graph_.retry(exit.job);
    launches_.next_attempt(exit.job);
  }
  if (retry) enqueue(gang, *demand);
}

void Farm::Run::gang_never_starts(const Gang& gang, JobId culprit, int attempt, const Error& error) {
  FURROW_LOG(farm, info, "job {} and those that run with it could not start, attempt {}: {}", culprit,
             attempt, error.message);
  std::vector<Exit> exits = gangs_.exits_unstarted(gang, culprit, attempt, error);
  if (!exits.empty()) gang_failed(std::move(exits), &error, false);
}

}  // namespace furrow::farm
