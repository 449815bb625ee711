// An executor, a source of jobs and a sink of events for tests of the farm. Each writes to a log what it is asked,
// and tests set how it answers. Nothing runs. Not thread-safe.
#pragma once

#include <algorithm>
#include <csignal>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "farm/farm.hpp"

namespace furrow::farm {

using Log = std::vector<std::string>;

inline std::string numbered(const char* what, plan::JobId job, int attempt = 1) {
  return std::string(what) + " " + std::to_string(job) + (attempt > 1 ? "/" + std::to_string(attempt) : "");
}

// Ends one attempt a round, the oldest first, as `end` sets it; a cancelled attempt ends as cancelled.
class FakeExecutor : public plan::Executor {
 public:
  FakeExecutor(os::EventLoop& loop, Log& log) : loop_(loop), log_(log) {}

  void set_listener(plan::ExitListener* listener) override { listener_ = listener; }
  std::size_t max_running() const override { return most; }
  std::size_t running() const override { return started_.size(); }

  void start(plan::Attempt attempt) override {
    log_.push_back(numbered("start", attempt.job, attempt.number));
    started_.push_back({.job = attempt.job, .attempt = attempt.number});
    most_at_once = std::max(most_at_once, started_.size());
    if (!holds) schedule();
  }

  void cancel_all(plan::Stop how) override {
    log_.push_back(how == plan::Stop::kGently ? "cancel gently" : "cancel at once");
    if (ignores_gentle && how == plan::Stop::kGently) return;
    for (plan::Exit& exit : started_) {
      exit.cancelled = true;
      exit.status = -1;
      exit.signal = SIGTERM;
    }
    for (std::size_t i = 0; i < started_.size(); ++i) schedule();
  }

  void interrupt(plan::JobId job, bool timed_out) override {
    interrupted.push_back(job);
    runs_on.erase(job);
    for (plan::Exit& exit : started_) {
      if (exit.job != job) continue;
      exit.timed_out = timed_out;
      exit.status = -1;
      exit.signal = SIGTERM;
    }
    schedule();
  }

  std::function<void(plan::Exit&)> end = [](plan::Exit&) {};
  std::size_t most = 1000;
  std::size_t most_at_once = 0;
  bool holds = false;             // attempts end only when cancelled
  std::set<plan::JobId> runs_on;  // these end only when interrupted or cancelled
  std::vector<plan::JobId> interrupted;
  bool ignores_gentle = false;

 private:
  void schedule() {
    loop_.after(0, [this] {
      const auto next = std::find_if(started_.begin(), started_.end(), [&](const plan::Exit& exit) {
        return exit.cancelled || !runs_on.contains(exit.job);
      });
      if (next == started_.end()) return;
      plan::Exit exit = *next;
      started_.erase(next);
      if (!exit.cancelled) end(exit);
      listener_->on_exit(std::move(exit));
    });
  }

  os::EventLoop& loop_;
  Log& log_;
  plan::ExitListener* listener_ = nullptr;
  std::deque<plan::Exit> started_;
};

class FakeSource : public plan::JobSource {
 public:
  FakeSource(os::EventLoop& loop, Log& log) : loop_(loop), log_(log) {}

  bool prepares_ahead() const override { return is_prepared_ahead; }
  void set_prepare_listener(plan::PrepareListener* listener) override { listener_ = listener; }

  void prepare(std::span<const plan::JobId> jobs, int attempt) override {
    ++prepare_calls;
    const std::vector<plan::JobId> batch(jobs.begin(), jobs.end());
    const auto answer = [this, batch, attempt] {
      for (const plan::JobId job : batch) {
        prepared.push_back(job);
        plan::Launch launch;
        launch.command = numbered("command", job, attempt);
        if (listener_ == nullptr) return;
        if (bad_launches.contains(job)) {
          listener_->on_prepared(job, attempt, fail("params function broke"));
        } else {
          listener_->on_prepared(job, attempt, launch);
        }
      }
    };
    if (answers_at_once) {
      answer();
    } else {
      loop_.after(0, answer);
    }
  }

  std::vector<Result<plan::DemandId>> demands(std::span<const plan::JobId> jobs, int attempt) override {
    ++demand_calls;
    std::vector<Result<plan::DemandId>> answers;
    for (const plan::JobId job : jobs) answers.push_back(demand(job, attempt));
    return answers;
  }

  void prefetch(plan::JobId job, int attempt) override {
    prefetched.push_back(numbered("prefetch", job, attempt) + " after " + log_.back());
  }
  Result<void> before_start(plan::JobId job, int attempt, plan::Launch&) override {
    log_.push_back(numbered("starting", job, attempt));
    if (bad_starts.contains(job)) return fail("no room for outputs");
    return {};
  }
  Result<void> clear_outputs(plan::JobId job) override {
    if (logs_clears) log_.push_back(numbered("clear", job, 1));
    if (bad_clears.contains(job)) return fail("cannot remove");
    return {};
  }
  bool outputs_pending(const plan::Exit& exit) override {
    return late_times.contains(exit.job) && late_times[exit.job]-- > 0;
  }
  Result<void> check_outputs(const plan::Exit& exit) override { return check_before(exit); }
  bool is_up(plan::JobId service) override { return up(service); }
  Result<void> on_success(const plan::Exit& exit) override {
    log_.push_back(numbered("finished", exit.job, exit.attempt));
    return check(exit);
  }
  void on_failure(const plan::Exit& exit, bool will_retry) override {
    log_.push_back(numbered(will_retry ? "retry" : "failed", exit.job, exit.attempt));
    last_failure = exit;
  }
  Result<std::vector<Impossible>> grow() override { return growth(); }
  Result<void> commit() override {
    log_.push_back("commit");
    ++commits;
    if (commits == failing_commit) return fail("disk full");
    return {};
  }
  plan::JobName name(plan::JobId job) const override { return {"job" + std::to_string(job), ""}; }

  std::function<Result<plan::DemandId>(plan::JobId, int)> demand = [](plan::JobId, int) {
    return plan::DemandId{0};
  };
  std::function<Result<void>(const plan::Exit&)> check = [](const plan::Exit&) { return Result<void>(); };
  std::function<Result<void>(const plan::Exit&)> check_before = check;
  std::function<bool(plan::JobId)> up = [](plan::JobId) { return true; };
  std::set<plan::JobId> bad_launches, bad_starts, bad_clears;
  bool logs_clears = false;
  std::vector<plan::JobId> prepared;
  Log prefetched;
  std::map<plan::JobId, int> late_times;
  plan::Exit last_failure;
  int prepare_calls = 0, demand_calls = 0, commits = 0, failing_commit = 0;
  bool answers_at_once = true, is_prepared_ahead = true;

  std::function<Result<std::vector<Impossible>>()> growth = [] { return std::vector<Impossible>(); };

 private:
  os::EventLoop& loop_;
  Log& log_;
  plan::PrepareListener* listener_ = nullptr;
};

class RecordingSink : public plan::EventSink {
 public:
  void on_event(const plan::Event& event) override {
    switch (event.kind) {
      case plan::Event::Kind::kRunStarted:
        events.push_back("run of " + std::to_string(event.total));
        break;
      case plan::Event::Kind::kJobStarted:
        events.push_back(numbered("started", event.job, event.attempt));
        commands.push_back(event.launch->command);
        break;
      case plan::Event::Kind::kJobPlaced:
        events.push_back("placed " + std::to_string(event.job) + " on " + std::string(event.host));
        break;
      case plan::Event::Kind::kJobFinished:
        events.push_back(numbered("done", event.job, event.attempt));
        break;
      case plan::Event::Kind::kJobFailed:
        events.push_back(numbered(event.will_retry ? "again" : "failed", event.job, event.attempt));
        if (event.error != nullptr) events.back() += ": " + event.error->message;
        break;
      case plan::Event::Kind::kJobsSkipped:
        events.push_back("skipped " + std::to_string(event.count));
        break;
      case plan::Event::Kind::kGraphGrown:
        events.push_back("grown to " + std::to_string(event.total));
        break;
      case plan::Event::Kind::kStopping:
        events.push_back("stopping " + std::to_string(event.signal));
        break;
      case plan::Event::Kind::kRunFinished:
        events.push_back("over");
        break;
    }
    if (react) react(event);
  }
  Log events, commands;
  std::function<void(const plan::Event&)> react;
};

}  // namespace furrow::farm
