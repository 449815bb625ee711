#include "report/runs/live_run.hpp"

#include <algorithm>

namespace furrow::report {

namespace {

constexpr std::size_t kMostFailures = 200;
// Of fewer jobs the mean says little about how many run at a time.
constexpr std::uint64_t kEnoughJobs = 5;

}  // namespace

void LiveRun::on_plan(const std::vector<store::RulePlan>& rules) {
  up_to_date_ = 0;
  for (const store::RulePlan& plan : rules) {
    rules_[plan.rule].due = plan.due;
    up_to_date_ += plan.up_to_date;
  }
}

void LiveRun::on_start(const store::JobStart& start) {
  LiveJob& job = running_[start.job];
  job.rule = start.rule;
  job.wildcards = start.wildcards;
  job.key = start.key;
  job.logs = start.logs;
  job.attempt = start.attempt;
  job.threads = start.threads;
  job.started_at = last_event_at_ = start.at;
  ++rules_[job.rule].running;
}

void LiveRun::on_place(const store::JobPlace& place) {
  if (const auto job = running_.find(place.job); job != running_.end()) job->second.host = place.host;
}

void LiveRun::on_end(const store::JobEnd& end) {
  last_event_at_ = end.at;
  auto node = running_.extract(end.job);
  if (!node) return;
  Rule& rule = rules_[node.mapped().rule];
  --rule.running;
  if (end.state == store::JobEnd::State::kDone) {
    ++done_;
    ++rule.done;
    rule.work_s += end.wall_s;
    work_s_ += end.wall_s;
    return;
  }
  if (end.state == store::JobEnd::State::kInterrupted) {
    ++interrupted_;
    return;
  }
  if (!end.will_retry) {
    ++failed_count_;
    ++rule.failed;
  }
  failures_.push_back({std::move(node.mapped()), end.status, end.signal, end.will_retry,
                       end.state == store::JobEnd::State::kTimedOut, std::string(end.error),
                       std::string(end.output)});
  ++failure_number_;
  if (failures_.size() > kMostFailures) failures_.pop_front();
}

void LiveRun::on_stopping(int signal, double at) {
  stopped_by_ = signal;
  last_event_at_ = at;
}

void LiveRun::on_finish(int code, double at) {
  has_finished_ = true;
  code_ = code;
  last_event_at_ = at;
}

const char* LiveRun::state() const {
  if (!has_finished_) return "running";
  if (stopped_by_ != 0) return "interrupted";
  return code_ == 0 ? "done" : "failed";
}

std::uint64_t LiveRun::waiting() const {
  const std::uint64_t begun = done_ + failed_count_ + interrupted_ + skipped_ + running_.size();
  return due_ > begun ? due_ - begun : 0;
}

std::optional<double> LiveRun::remaining_s(double now, const RuleTimes& earlier) const {
  const auto mean_of = [&](const std::string& name, const Rule& rule) -> std::optional<double> {
    if (rule.done > 0) return rule.work_s / static_cast<double>(rule.done);
    const auto found = earlier.find(name);
    return found == earlier.end() ? std::nullopt : std::optional(found->second);
  };
  if (due_ == 0) return std::nullopt;
  double work_s = 0, longest_s = 0;
  for (const auto& [name, rule] : rules_) {
    const std::uint64_t begun = rule.done + rule.failed + rule.running;
    const std::uint64_t left = rule.due > begun ? rule.due - begun : 0;
    if (left + rule.running == 0) continue;
    const auto mean = mean_of(name, rule);
    if (!mean) return std::nullopt;
    work_s += static_cast<double>(left) * *mean;
    if (left > 0) longest_s = std::max(longest_s, *mean);
  }
  for (const auto& [number, job] : running_) {
    const auto mean = mean_of(job.rule, rules_.find(job.rule)->second);
    const double left_s = std::max(0.0, mean.value_or(0) - (now - job.started_at));
    work_s += left_s;
    longest_s = std::max(longest_s, left_s);
  }
  const double elapsed_s = std::max(0.001, now - facts_.began_at);
  double at_a_time = static_cast<double>(std::max<std::size_t>(running_.size(), 1));
  if (done_ >= kEnoughJobs) at_a_time = std::max(at_a_time / 2, work_s_ / elapsed_s);
  return std::max(longest_s, work_s / std::max(at_a_time, 0.1));
}

RuleTimes earlier_times(const std::string& folder) {
  const auto store = store::Store::open_readonly(folder);
  return store ? earlier_times(**store) : RuleTimes();
}

RuleTimes earlier_times(store::Store& store) {
  RuleTimes times;
  std::unordered_map<std::string, std::pair<double, double>> sums;  // seconds, jobs
  (void)store.for_each([&](const store::JobRow& row) {
    if (row.is_damaged || row.phase != store::JobPhase::kFinished || row.started_at <= 0) return;
    auto& [seconds, jobs] = sums[std::string(row.rule)];
    seconds += std::max(0.0, row.finished_at - row.started_at);
    ++jobs;
  });
  for (const auto& [rule, sum] : sums) times[rule] = sum.first / sum.second;
  return times;
}

}  // namespace furrow::report
