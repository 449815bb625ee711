// The launches of jobs that are about to start, asked for ahead of time so that a free core does not wait for
// an answer.
//
// States of a job's launch: unasked -> asked -> here (good, or an error) -> taken. A retry begins anew with
// the next attempt; an answer to an earlier attempt is dropped. Not thread-safe.
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
  ~Launches() override;  // deletes what launches that were not taken have left on disk
  Launches(const Launches&) = delete;
  Launches& operator=(const Launches&) = delete;

  void grow(std::size_t jobs);
  void leave(plan::JobId job) { jobs_.leave(job); }
  int attempt(plan::JobId job) const { return jobs_[job].attempt; }  // 1 for the first
  void next_attempt(plan::JobId job);

  bool is_asked(plan::JobId job) const { return jobs_[job].state != State::kUnasked; }
  bool is_here(plan::JobId job) const { return jobs_[job].state == State::kHere; }
  void ask(std::span<const plan::JobId> jobs);  // those among them that were not asked for yet
  // True once for each attempt whose good launch is here: its job can be got ready.
  bool can_get_ready(plan::JobId job);
  Result<plan::Launch> take(plan::JobId job);

  void on_prepared(plan::JobId job, int attempt, Result<plan::Launch> launch) override;

 private:
  enum class State : std::uint8_t { kUnasked, kAsked, kHere, kTaken };

  plan::JobSource& source_;
  struct Job {
    State state = State::kUnasked;
    bool is_ready = false;  // everything was done that can be done ahead
    std::uint16_t attempt = 1;
  };
  plan::IdTable<Job> jobs_;
  std::unordered_map<plan::JobId, Result<plan::Launch>> here_;
};

}  // namespace furrow::farm
