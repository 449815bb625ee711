// When a run of many jobs stops early, and its exit code: --halt, with GNU parallel's arithmetic.
#pragma once

#include <cstdint>
#include <optional>

namespace furrow::command {

struct HaltRule {
  enum class When : std::uint8_t { kNever, kSoon, kNow };
  enum class Why : std::uint8_t { kFail, kSuccess, kDone };
  When when = When::kNever;
  Why why = Why::kFail;
  double limit = 0;  // number of jobs, or percentage of all
  bool percent = false;
};

class HaltPolicy {
 public:
  // TOTAL is the number of all jobs; needed if RULE has a percentage.
  HaltPolicy(HaltRule rule, std::uint64_t total) : rule_(rule), total_(total) {}

  void started() { ++started_; }
  // Call it when a job has finally ended. Returns whether and how the run is to stop: kNever if it goes on.
  HaltRule::When ended(bool ok, int status, int signal);
  // Why the message names the job that has just ended: it counts towards the rule. Null if it does not.
  const char* speaks_of(bool ok) const;

  std::uint64_t failed() const { return failed_; }
  int exit_code() const;

 private:
  bool counts(bool ok) const;
  double limit() const;
  int percent_of(std::uint64_t jobs) const;

  const HaltRule rule_;
  const std::uint64_t total_;
  std::uint64_t started_ = 0, done_ = 0, failed_ = 0;
  std::optional<int> exit_code_;  // set by the job that reached the limit
};

}  // namespace furrow::command
