#include "cli/run/event_publisher.hpp"

#include <pwd.h>
#include <unistd.h>

#include <map>
#include <utility>

#include "base/log.hpp"
#include "base/strings.hpp"
#include "cli/run/keep_workflow.hpp"
#include "os/events/clock.hpp"
#include "store/run_mark.hpp"
#include "workflow/dag/graph_view.hpp"

namespace furrow::cli {

namespace {

constexpr double kWriteEvery_s = 0.5;
constexpr const char* kStore = ".furrow";

std::string user_name() {
  const passwd* const user = ::getpwuid(::geteuid());
  return user ? user->pw_name : std::to_string(::geteuid());
}

store::JobEnd::State state_of(const plan::Event& event) {
  using State = store::JobEnd::State;
  if (event.kind == plan::Event::Kind::kJobFinished) return State::kDone;
  if (event.exit && event.exit->cancelled) return State::kInterrupted;
  return event.exit && event.exit->timed_out ? State::kTimedOut : State::kFailed;
}

}  // namespace

EventPublisher::EventPublisher(WorkflowSession& session, const workflow::WorkflowSource& source,
                               os::EventLoop& loop)
    : session_(session), source_(source), loop_(loop) {
  auto journal = store::EventJournalWriter::create(kStore, facts());
  if (!journal) {
    FURROW_LOG(store, info, "no journal of events: {}", journal.error().message);
    return;
  }
  journal_ = std::move(*journal);
  listeners_.push_back(journal_.get());
}

EventPublisher::~EventPublisher() { loop_.cancel(timer_); }

store::RunFacts EventPublisher::facts() const {
  const store::RunMark mark = store::RunMark::of_this_process(session_.run_id());
  store::RunFacts facts{
      .run = session_.run_id(), .mark = mark.text(), .host = mark.host, .user = user_name()};
  facts.version = FURROW_VERSION;
  facts.executor = session_.ranks() ? std::string_view("mpi") : session_.options().executor.type().name;
  facts.began_at = os::wall_seconds();
  if (!session_.options().executor.is_cluster()) facts.cores = session_.cores();
  return facts;
}

void EventPublisher::add_listener(store::RunEvents& listener) {
  listener.on_run(facts());
  listeners_.push_back(&listener);
}

void EventPublisher::publish_plan() {
  std::map<workflow::RuleId, store::RulePlan> rules;
  for (const workflow::NodeId node : session_.dag().order()) {
    const workflow::RuleId id = session_.dag().node(node).rule;
    store::RulePlan& plan = rules[id];
    if (plan.rule.empty()) plan.rule = session_.rules()[id].rule.name;
    ++(session_.staleness().must_run(node) ? plan.due : plan.up_to_date);
  }
  std::vector<store::RulePlan> plans;
  for (auto& [id, plan] : rules) plans.push_back(std::move(plan));
  publish([&](store::RunEvents& events) { events.on_plan(plans); });
}

void EventPublisher::on_event(const plan::Event& event) {
  using Kind = plan::Event::Kind;
  if (listeners_.empty()) return;
  switch (event.kind) {
    case Kind::kRunStarted:
      if (journal_) journal_->on_workflow(workflow_facts_of(session_));
      publish_plan();
      [[fallthrough]];
    case Kind::kGraphGrown:
      publish([&](store::RunEvents& events) { events.on_total(event.total); });
      if (journal_ && event.kind == Kind::kRunStarted) journal_->write();  // it is looked at from now on
      break;
    case Kind::kJobStarted:
      started(event);
      break;
    case Kind::kJobPlaced:
      publish([&](store::RunEvents& events) {
        events.on_place({.job = source_.node(event.job), .host = event.host});
      });
      break;
    case Kind::kJobFinished:
    case Kind::kJobFailed:
      ended(event);
      break;
    case Kind::kJobsSkipped:
      publish([&](store::RunEvents& events) { events.on_skipped(event.count); });
      break;
    case Kind::kStopping:
      publish([&](store::RunEvents& events) { events.on_stopping(event.signal, os::wall_seconds()); });
      break;
    case Kind::kRunFinished:
      break;
  }
}

// The same words as in a dry run. There are few different ones.
const std::string& EventPublisher::reason_of(workflow::NodeId node) {
  const workflow::Reasons reasons = session_.staleness().reasons(node);
  const auto [place, is_new] = reasons_.try_emplace(reasons);
  if (is_new) place->second = workflow::describe(reasons);
  return place->second;
}

void EventPublisher::started(const plan::Event& event) {
  const workflow::NodeId node = source_.node(event.job);
  running_.insert(node);
  const plan::JobName name = source_.name(event.job);
  const std::string key = source_.key(event.job), logs = join(source_.logs(event.job), "\n");
  const auto demand = source_.demand_of(event.job, event.attempt);
  store::JobStart start;
  start.job = node;
  start.attempt = event.attempt;
  start.threads = demand ? static_cast<int>(demand->threads) : 1;
  start.at = os::wall_seconds();
  start.rule = name.rule;
  start.reason = reason_of(node);
  start.wildcards = name.wildcards;
  start.key = key;
  start.logs = logs;
  publish([&](store::RunEvents& events) { events.on_start(start); });
}

void EventPublisher::ended(const plan::Event& event) {
  store::JobEnd end;
  end.job = source_.node(event.job);
  if (running_.erase(end.job) == 0) {  // it could not start
    started(event);
    running_.erase(end.job);
  }
  end.attempt = event.attempt;
  end.state = state_of(event);
  end.will_retry = event.will_retry;
  end.at = os::wall_seconds();
  std::string error;
  if (event.exit) {
    end.started_at = event.exit->started_at;
    end.wall_s = event.exit->usage.wall_s;
    end.user_s = event.exit->usage.user_s;
    end.system_s = event.exit->usage.system_s;
    end.max_rss_kb = event.exit->usage.max_rss_kb;
    end.status = event.exit->status;
    end.signal = event.exit->signal;
    error = event.exit->error;
    if (end.state != store::JobEnd::State::kDone) end.output = event.exit->output;
  }
  if (event.error) error = event.error->to_string();
  end.error = error;
  publish([&](store::RunEvents& events) { events.on_end(end); });
}

void EventPublisher::write_soon() {
  if (timer_ != 0 || !journal_ || !journal_->has_unwritten()) return;
  timer_ = loop_.after(kWriteEvery_s, [this] {
    timer_ = 0;
    journal_->write();
  });
}

void EventPublisher::finish(int code) {
  const double now = os::wall_seconds();
  publish([&](store::RunEvents& events) { events.on_finish(code, now); });
  loop_.cancel(std::exchange(timer_, 0));
  if (journal_) journal_->write();
}

}  // namespace furrow::cli
