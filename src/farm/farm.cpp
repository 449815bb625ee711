#include "farm/farm.hpp"

#include <algorithm>
#include <csignal>
#include <functional>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/strings.hpp"
#include "farm/farm_run.hpp"
#include "os/events/clock.hpp"

namespace furrow::farm {

Summary Farm::Run::run() {
  const double begun = os::monotonic_seconds();
  supply();
  take_new_jobs();
  FURROW_LOG(farm, info, "run starts: {} jobs known{}, {} at a time at most, {}", summary_.total,
             is_supplied_ ? ", more may come" : "", executor_.max_running(),
             options_.keep_going ? "goes on after a failure" : "ends after a failure");
  emit({.kind = Event::Kind::kRunStarted, .total = summary_.total});
  for (;;) {
    look_again_ = false;
    settle();
    look_at_gangs();
    extend();
    wait_for_growth();
    supply();
    take_new_jobs();
    admit();
    pick();
    if (lacks_launches()) look_ahead();
    mark_starting();
    commit_and_start();
    if (is_time_to_look_ahead()) look_ahead();
    prefetch_upcoming();
    if (is_over()) break;
    loop_.run_once(can_go_on() ? 0 : -1);
  }
  conclude();
  summary_.wall_s = os::monotonic_seconds() - begun;
  FURROW_LOG(
      farm, info,
      "run ends after {:.3f} s: {} of {} jobs done, {} failed, {} skipped, {} cancelled, {} not started",
      summary_.wall_s, summary_.done, summary_.total, summary_.failed, summary_.skipped, summary_.cancelled,
      summary_.unstarted);
  if (summary_.error) FURROW_LOG(farm, info, "what ended the run: {}", summary_.error->message);
  emit({.kind = Event::Kind::kRunFinished});
  return summary_;
}

// --- jobs that become ready

void Farm::Run::supply() {
  const std::size_t waiting = queue_.size() + ready_.size();
  if (!is_supplied_ || is_halted() || waiting >= options_.lookahead) return;
  is_supplied_ = source_.add_jobs(options_.lookahead - waiting);
}

// Called once nothing refers to the job any longer.
void Farm::Run::erase(JobId job) {
  if (!options_.erase_ended) return;
  graph_.erase(job);
  shares_.erase(job);
  launches_.erase(job);
}

// What ended has shown that there are more jobs, or fewer.
void Farm::Run::extend() {
  if (is_halted()) return;
  const std::size_t total = summary_.total;
  auto impossible = source_.grow();
  if (!impossible) {
    summary_.error = impossible.error();
    executor_.cancel_all(plan::Stop::kGently);
    return;
  }
  const std::size_t added = graph_.size() - shares_.size();
  take_new_jobs();
  if (added > 0 || summary_.total != total)
    emit({.kind = Event::Kind::kGraphGrown, .total = summary_.total, .count = added});
  for (const auto& [job, error] : *impossible) never_started(job, 1, error);
  std::vector<JobId> skipped;
  graph_.take_doomed(skipped);
  summary_.skipped += skipped.size();
  if (!skipped.empty())
    emit({.kind = Event::Kind::kJobsSkipped, .job = skipped.front(), .count = skipped.size()});
}

void Farm::Run::wait_for_growth() {
  const double grows_in_s = source_.grows_in_s();
  if (grows_in_s <= 0) {
    if (growth_timer_ != 0) loop_.cancel(std::exchange(growth_timer_, 0));
  } else if (growth_timer_ == 0) {
    growth_timer_ = loop_.after(grows_in_s, [this] { growth_timer_ = 0; });
  }
}

void Farm::Run::take_new_jobs() {
  if (graph_.size() != shares_.size()) {
    shares_.grow(graph_.size());
    launches_.grow(graph_.size());
  }
  summary_.total = graph_.size() - graph_.dropped();
  const std::vector<JobId> ready = graph_.take_ready();
  ready_.insert(ready_.end(), ready.begin(), ready.end());
}

// Asks in one call what the jobs that have become ready need, and puts them into the queue.
void Farm::Run::admit() {
  std::vector<JobId> ready = std::exchange(ready_, {});
  std::erase_if(ready, [&](JobId job) { return !is_ready(job); });
  if (ready.empty() || is_halted()) return;
  const auto is_bound = [&](JobId job) { return graph_.gang(job) != nullptr; };
  const auto first_bound = std::stable_partition(ready.begin(), ready.end(), std::not_fn(is_bound));
  for (const JobId job : std::vector<JobId>(first_bound, ready.end())) {
    const Gang& gang = *graph_.gang(job);
    JobId culprit = job;
    const auto demand = gangs_.demand_of(gang, 1, shares_.budget(), culprit);
    demand ? enqueue(gang, *demand) : gang_never_starts(gang, culprit, 1, demand.error());
  }
  ready.erase(first_bound, ready.end());
  if (ready.empty() || is_halted()) return;
  const std::vector<Result<DemandId>> demands = source_.demands(ready, 1);
  for (std::size_t i = 0; i < ready.size(); ++i) {
    if (demands[i]) {
      enqueue(ready[i], *demands[i]);
    } else {
      never_started(ready[i], 1, demands[i].error());
    }
  }
}

void Farm::Run::enqueue(JobId id, DemandId demand) {
  graph_.set_demand(id, demand);
  plan::Job job = graph_.job(id);
  job.demand = shares_.set(id, demand);
  FURROW_LOG(farm, debug, "job {} is ready: priority {}, depth {}, demand {}, {} jobs queued", id,
             job.priority, job.depth, job.demand, queue_.size());
  queue_.push(id, job);
  ++news_;
}

// --- attempts that have ended

void Farm::Run::settle() {
  for (Exit& exit : std::exchange(ended_, {})) {
    if (const Gang* const gang = graph_.gang(exit.job)) {
      account(exit);
      gangs_.ended(*gang, std::move(exit));
      continue;
    }
    const bool may_wait = exit.ok() && summary_.signal == 0 && !summary_.error;
    if (may_wait && source_.outputs_pending(exit)) {
      FURROW_LOG(farm, debug, "job {} has ended, but its outputs are not visible yet", exit.job);
      late_.push_back(std::move(exit));
    } else {
      settle(std::move(exit));
    }
  }
  if (!late_.empty() && late_timer_ == 0) {
    late_timer_ = loop_.after(kLookAgain_s, [this] { look_at_late(); });
  }
}

void Farm::Run::look_at_late() {
  loop_.cancel(std::exchange(late_timer_, 0));
  for (Exit& exit : std::exchange(late_, {})) ended_.push_back(std::move(exit));
}

void Farm::Run::log_end(const Exit& exit) const {
  FURROW_LOG(farm, info, "job {} ended, attempt {}: status {}, signal {}{}{}, {:.3f} s{}{}", exit.job,
             exit.attempt, exit.status, exit.signal, exit.cancelled ? ", cancelled" : "",
             exit.timed_out ? ", timed out" : "", exit.usage.wall_s, exit.error.empty() ? "" : ": ",
             exit.error);
}

// An attempt runs no longer.
void Farm::Run::account(const Exit& exit) {
  log_end(exit);
  --running_;
  uncommitted_ = true;
  summary_.core_s += exit.usage.wall_s * shares_.cores(graph_.job(exit.job).demand);
}

void Farm::Run::settle(Exit exit) {
  account(exit);
  const JobId job = exit.job;
  shares_.give_back(job);
  if (exit.cancelled) {
    ++summary_.cancelled;
    source_.on_failure(exit, false);
    emit({.kind = Event::Kind::kJobFailed, .job = job, .attempt = exit.attempt, .exit = &exit});
    return;
  }
  if (!exit.ok()) return attempt_failed(exit, nullptr, true);
  if (!is_halted() && source_.runs_again(exit)) return run_again(job);
  Result<void> checked = source_.check_outputs(exit);
  if (checked) checked = succeed(exit);
  if (checked) return;
  exit.error = checked.error().to_string();
  FURROW_LOG(farm, info, "job {} has failed after all: {}", job, exit.error);
  attempt_failed(exit, &checked.error(), true);
}

// The outputs have been checked.
Result<void> Farm::Run::succeed(const Exit& exit) {
  FURROW_TRY(source_.on_success(exit));
  graph_.finish(exit.job, ready_);
  ++summary_.done;
  emit({.kind = Event::Kind::kJobFinished, .job = exit.job, .attempt = exit.attempt, .exit = &exit});
  erase(exit.job);
  return {};
}

void Farm::Run::run_again(JobId job) {
  FURROW_LOG(farm, info, "job {} runs once more", job);
  graph_.retry(job);
  launches_.ask_again(job);
  enqueue(job, graph_.job(job).demand);
}

void Farm::Run::attempt_failed(const Exit& exit, const Error* error, bool may_retry) {
  const JobId job = exit.job;
  uncommitted_ = true;
  bool retry = may_retry && exit.attempt <= graph_.job(job).retries && !is_halted();
  Result<DemandId> demand = DemandId{0};
  if (retry) {
    demand = std::move(source_.demands({&job, 1}, exit.attempt + 1).front());
    if (!demand) {
      retry = false;
      error = &demand.error();
    }
  }
  source_.on_failure(exit, retry);
  emit({.kind = Event::Kind::kJobFailed,
        .job = job,
        .attempt = exit.attempt,
        .exit = &exit,
        .error = error,
        .will_retry = retry});
  if (!retry) return give_up(job);
  FURROW_LOG(farm, info, "job {} is tried again: attempt {} of {}", job, exit.attempt + 1,
             graph_.job(job).retries + 1);
  graph_.retry(job);
  launches_.next_attempt(job);
  enqueue(job, *demand);
}

void Farm::Run::never_started(JobId job, int attempt, const Error& error) {
  if (const Gang* const gang = graph_.gang(job)) return gang_never_starts(*gang, job, attempt, error);
  FURROW_LOG(farm, info, "job {} could not start, attempt {}: {}", job, attempt, error.message);
  const Exit exit{.job = job,
                  .attempt = attempt,
                  .status = -1,
                  .error = error.to_string(),
                  .started_at = os::wall_seconds()};
  attempt_failed(exit, &error, false);
}

void Farm::Run::give_up(JobId job) {
  std::vector<JobId> skipped;
  graph_.fail(job, skipped);
  ++summary_.failed;
  summary_.skipped += skipped.size();
  FURROW_LOG(farm, info, "job {} is given up, {} jobs that need it are skipped{}", job, skipped.size(),
             options_.keep_going ? "" : ", no further job starts");
  if (!options_.keep_going) winding_down_ = true;
  if (!skipped.empty()) emit({.kind = Event::Kind::kJobsSkipped, .job = job, .count = skipped.size()});
  erase(job);
}

// --- jobs that start

void Farm::Run::pick() {
  if (is_halted()) return abandon_picked();
  // Without a free core nothing starts, so the queue is not searched.
  while (running_ + picked_.size() < executor_.max_running() && shares_.has_free_core()) {
    if (!queue_.empty() && is_throttled()) return;
    const std::optional<JobId> job = queue_.pop_fitting(shares_.budget(), resources_);
    if (!job) break;
    ++news_;
    if (!is_ready(*job)) continue;
    if (const Gang* const gang = graph_.gang(*job); gang != nullptr && !has_room_for(*gang)) {
      enqueue(*gang, shares_.of(*job));
      break;
    }
    shares_.take(*job);
    FURROW_LOG(farm, debug, "job {} is picked: {} running, {} queued, launch {}", *job, running_,
               queue_.size(), launches_.is_here(*job) ? "available" : "not available yet");
    picked_.push_back(*job);
  }
  if (running_ + picked_.size() == 0 && !queue_.empty()) {
    summary_.error = Error{count_of(queue_.size(), "job") +
                           " can never start: none of the resources they need is available"};
  }
}

bool Farm::Run::is_throttled() {
  if (options_.throttle == nullptr) return false;
  const double hold_s = options_.throttle->hold_s(running_ + picked_.size());
  if (hold_s <= 0) return false;
  FURROW_LOG(farm, debug, "the throttle holds the next job for {:.3f} s, {} running", hold_s, running_);
  loop_.cancel(throttle_timer_);
  throttle_timer_ = loop_.after(hold_s, [] {});  // wakes the loop, which then asks again
  return true;
}

void Farm::Run::mark_starting() {
  std::erase_if(picked_, [&](JobId job) {
    if (!is_ready(job)) {
      shares_.give_back(job);
      return true;
    }
    if (const Gang* const gang = graph_.gang(job)) return mark_starting(*gang);
    if (!launches_.is_here(job)) return false;
    Result<plan::Launch> launch = launches_.take(job);
    const int attempt = launches_.attempt(job);
    if (launch) {
      uncommitted_ = true;
      const Result<void> ready = source_.before_start(job, attempt, *launch);
      if (ready) {
        starting_.push_back({job, *std::move(launch)});
        return true;
      }
      launch = fail(ready.error());
    }
    refuse(job, launch.error());
    return true;
  });
}

// A picked job that cannot start.
void Farm::Run::refuse(JobId job, const Error& error) {
  shares_.give_back(job);
  look_again_ = true;
  never_started(job, launches_.attempt(job), error);
}

void Farm::Run::commit_and_start() {
  if (!uncommitted_) return;
  uncommitted_ = false;
  if (const Result<void> committed = source_.commit(); !committed && !summary_.error) {
    // A job whose start is not recorded must not run, and the ends of running jobs cannot be recorded.
    summary_.error = committed.error();
    FURROW_LOG(farm, info, "commit failed, running jobs are cancelled: {}", committed.error().message);
    executor_.cancel_all(plan::Stop::kGently);
  }
  for (Starting& starting : std::exchange(starting_, {})) {
    if (summary_.error) {
      shares_.give_back(starting.job);
    } else if (const Result<void> cleared = source_.clear_outputs(starting.job); cleared) {
      start(starting);
    } else {
      refuse(starting.job, cleared.error());
    }
  }
  for (std::vector<Starting>& starting : std::exchange(starting_gangs_, {})) {
    summary_.error ? shares_.give_back(starting.front().job) : clear_and_start(std::move(starting));
  }
}

void Farm::Run::start(Starting& starting) {
  const int attempt = launches_.attempt(starting.job);
  graph_.start(starting.job);
  ++running_;
  if (logging::is_on(logging::Topic::farm, logging::Level::info)) {
    const plan::JobName name = source_.name(starting.job);
    FURROW_LOG(farm, info, "job {} starts, attempt {}: {}{}{}", starting.job, attempt, name.rule,
               name.wildcards.empty() ? "" : " ", name.wildcards);
  }
  emit({.kind = Event::Kind::kJobStarted,
        .job = starting.job,
        .attempt = attempt,
        .launch = &starting.launch});
  executor_.start({.job = starting.job,
                   .number = attempt,
                   .launch = std::move(starting.launch),
                   .timeout_s = options_.timeout_s});
}

bool Farm::Run::lacks_launches() const {
  return std::any_of(picked_.begin(), picked_.end(), [&](JobId picked) {
    return !gangs_.is_for_all(picked, [&](JobId job) { return launches_.is_asked(job); });
  });
}

// True when about half of the upcoming jobs are new, so that launches are requested in batches.
bool Farm::Run::is_time_to_look_ahead() const {
  return launches_.are_asked_ahead() && !is_halted() && news_ > 0 &&
         news_ >= std::min(options_.lookahead, queue_.size()) / 2;
}

void Farm::Run::look_ahead() {
  news_ = 0;
  std::vector<JobId> wanted = picked_;
  const std::vector<JobId> upcoming = queue_.peek(options_.lookahead);
  wanted.insert(wanted.end(), upcoming.begin(), upcoming.end());
  for (std::size_t i = 0, count = wanted.size(); i < count; ++i) {
    if (const Gang* const gang = graph_.gang(wanted[i]))
      wanted.insert(wanted.end(), gang->jobs.begin() + 1, gang->jobs.end());
  }
  launches_.ask(wanted);
}

// Between the end of one job and the start of the next a core is idle. Whatever can be done for the next jobs
// is therefore done now, while others run.
void Farm::Run::prefetch_upcoming() {
  if (!launches_.are_asked_ahead() || is_halted() || running_ == 0) return;
  for (const JobId job : queue_.peek(std::min(running_, kMaxPrefetched))) {
    if (launches_.can_prefetch(job)) source_.prefetch(job, launches_.attempt(job));
  }
}

// --- how a run ends

void Farm::Run::stop(int signal) {
  const bool first = summary_.signal == 0;
  FURROW_LOG(farm, info, "signal {} stops the run: nothing new starts, {} running jobs are ended {}", signal,
             running_, first ? "gently" : "at once");
  if (first) {
    summary_.signal = signal;
    emit({.kind = Event::Kind::kStopping, .signal = signal});
  }
  look_at_late();
  if (first && signal == SIGHUP && options_.leaves_on_hangup) release();
  executor_.cancel_all(first ? plan::Stop::kGently : plan::Stop::kAtOnce);
}

// What their records say, that they have started, stays true.
void Farm::Run::release() {
  for (const JobId job : executor_.release()) {
    --running_;
    ++summary_.left;
    shares_.give_back(job);
  }
  FURROW_LOG(farm, info, "{} jobs are left to go on without the engine", summary_.left);
}

void Farm::Run::halt(bool at_once) {
  FURROW_LOG(farm, info, "the run is halted: nothing new starts, {} running jobs {}", running_,
             at_once ? "are cancelled" : "may end");
  winding_down_ = true;
  if (at_once) executor_.cancel_all(plan::Stop::kGently);
}

// Whether the next round has work without any new event: a launch was answered at once, or part of the budget
// became free.
bool Farm::Run::can_go_on() const {
  const auto is_here = [&](JobId picked) {
    return gangs_.is_for_all(picked, [&](JobId job) { return launches_.is_here(job); });
  };
  return look_again_ || !ended_.empty() || std::any_of(picked_.begin(), picked_.end(), is_here);
}

void Farm::Run::abandon_picked() {
  for (const JobId job : std::exchange(picked_, {})) shares_.give_back(job);
}

void Farm::Run::conclude() {
  if (growth_timer_ != 0) loop_.cancel(std::exchange(growth_timer_, 0));
  gangs_.stop_waiting();
  summary_.unstarted = graph_.unfinished() - summary_.cancelled - summary_.left;
  if (is_halted() || summary_.unstarted == 0) return;
  summary_.error = Error{count_of(summary_.unstarted, "job") + " can never start: they wait for each other"};
}

void Farm::Run::emit(Event event) {
  for (plan::EventSink* const sink : sinks_) sink->on_event(event);
}

// --- Farm

Farm::Farm(plan::JobGraph& graph, plan::Resources& resources, plan::Budget budget, plan::Executor& executor,
           plan::JobSource& source, os::EventLoop& loop, FarmOptions options)
    : run_(std::make_unique<Run>(graph, resources, std::move(budget), executor, source, loop, options)) {}

Farm::~Farm() = default;

void Farm::add_sink(plan::EventSink* sink) { run_->add_sink(sink); }

Summary Farm::run() { return run_->run(); }

void Farm::stop(int signal) { run_->stop(signal); }

void Farm::halt(bool at_once) { run_->halt(at_once); }

}  // namespace furrow::farm
