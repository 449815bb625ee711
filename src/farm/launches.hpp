// The launches of jobs that start soon, requested in advance so that a free core does not wait for an answer.
//
// States of a job's launch: unasked -> asked -> here (a launch or an error) -> prefetched -> taken; it may also be
// taken as soon as it is here. A retry starts again at unasked with the next attempt number; an answer to an
// earlier attempt is dropped. If the source does not prepare jobs ahead of time, nothing is asked for: unasked ->
// taken. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>

#include "base/error.hpp"
#include "plan/executor.hpp"
#include "plan/job_source.hpp"

namespace furrow::farm {

class Launches : public plan::PrepareListener {
 public:
  explicit Launches(plan::JobSource& source);
  ~Launches() override;  // deletes the scratch files of launches that were not taken
  Launches(const Launches&) = delete;
  Launches& operator=(const Launches&) = delete;

  void grow(std::size_t jobs);
  void erase(plan::JobId job) { jobs_.erase(job); }
  int attempt(plan::JobId job) const { return jobs_[job].attempt; }  // 1 for the first
  void next_attempt(plan::JobId job);
  void ask_again(plan::JobId job) { jobs_[job].state = State::kUnasked; }  // the same attempt once more

  bool are_asked_ahead() const { return are_asked_ahead_; }
  bool is_asked(plan::JobId job) const { return !are_asked_ahead_ || jobs_[job].state != State::kUnasked; }
  bool is_here(plan::JobId job) const {
    const State state = jobs_[job].state;
    return state == State::kHere || state == State::kPrefetched ||
           (!are_asked_ahead_ && state != State::kTaken);
  }
  void ask(std::span<const plan::JobId> jobs);  // requests those not requested yet
  // True once for each attempt, when its launch is here and is no error: the job can be prefetched.
  bool can_prefetch(plan::JobId job);
  Result<plan::Launch> take(plan::JobId job);

  void on_prepared(plan::JobId job, int attempt, Result<plan::Launch> launch) override;

 private:
  enum class State : std::uint8_t { kUnasked, kAsked, kHere, kPrefetched, kTaken };

  plan::JobSource& source_;
  const bool are_asked_ahead_;
  struct LaunchRecord {
    State state = State::kUnasked;
    std::uint16_t attempt = 1;
  };
  plan::IdTable<LaunchRecord> jobs_;
  std::unordered_map<plan::JobId, Result<plan::Launch>> here_;
};

}  // namespace furrow::farm
