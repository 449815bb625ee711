// A run as it stands, followed event by event: what is done, what runs, what has failed, and how long the rest may take.
// Its size depends on the jobs that run, not on all. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "store/run_events.hpp"
#include "store/store.hpp"

namespace furrow::report {

struct LiveJob {
  std::string rule{}, wildcards{}, key{}, logs{};  // logs: paths, a line each
  std::string host{};                              // if it has begun on another machine than the engine's
  int attempt = 1, threads = 1;
  double started_at = 0;
};

struct FailedJob {
  LiveJob job{};
  int status = 0, signal = 0;
  bool will_retry = false, timed_out = false;
  std::string error{}, output{};
};

// Mean seconds of a job, by rule.
using RuleTimes = std::unordered_map<std::string, double>;

class LiveRun final : public store::RunEvents {
 public:
  void on_run(const store::RunFacts& facts) override { facts_ = facts; }
  void on_workflow(std::string_view) override {}
  void on_plan(const std::vector<store::RulePlan>& rules) override;
  void on_total(std::uint64_t due) override { due_ = due; }
  void on_start(const store::JobStart& start) override;
  void on_place(const store::JobPlace& place) override;
  void on_end(const store::JobEnd& end) override;
  void on_skipped(std::uint64_t jobs) override { skipped_ += jobs; }
  void on_stopping(int signal, double at) override;
  void on_finish(int code, double at) override;

  const store::RunFacts& facts() const { return facts_; }
  std::uint64_t due() const { return due_; }
  std::uint64_t done() const { return done_; }
  std::uint64_t failed() const { return failed_count_; }  // for good
  std::uint64_t interrupted() const { return interrupted_; }
  std::uint64_t skipped() const { return skipped_; }
  std::uint64_t up_to_date() const { return up_to_date_; }
  // Due, and neither ended nor running.
  std::uint64_t waiting() const;
  const std::map<std::uint32_t, LiveJob>& running() const { return running_; }  // by number
  // The last ones; those that are tried again are not counted in failed().
  const std::deque<FailedJob>& failures() const { return failures_; }
  std::uint64_t failure_number() const { return failure_number_; }  // of all that were among them
  bool has_finished() const { return has_finished_; }
  // "running", "done", "failed" or "interrupted"; a run that was killed has not finished.
  const char* state() const;
  int code() const { return code_; }
  int stopped_by() const { return stopped_by_; }
  double last_event_at() const { return last_event_at_; }

  struct Rule {
    std::uint64_t due = 0, done = 0, failed = 0, running = 0;
    double work_s = 0;  // of those that are done
  };
  const std::map<std::string, Rule, std::less<>>& rules() const { return rules_; }
  // How long the rest may take, by jobs of the same rules: in this run, and EARLIER. Nothing while it cannot be known.
  std::optional<double> remaining_s(double now, const RuleTimes& earlier) const;

 private:
  store::RunFacts facts_;
  std::uint64_t due_ = 0, done_ = 0, failed_count_ = 0, interrupted_ = 0, skipped_ = 0, up_to_date_ = 0,
                failure_number_ = 0;
  std::map<std::uint32_t, LiveJob> running_;
  std::deque<FailedJob> failures_;
  std::map<std::string, Rule, std::less<>> rules_;
  double work_s_ = 0, last_event_at_ = 0;
  bool has_finished_ = false;
  int code_ = 0, stopped_by_ = 0;
};

// Of the jobs that the store of FOLDER remembers. Empty if it cannot be read. A process that has it open for writing must use
// the other function.
RuleTimes earlier_times(const std::string& folder);
RuleTimes earlier_times(store::Store& store);

}  // namespace furrow::report
