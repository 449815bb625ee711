// One attempt at the jobs of a gang, which run at once: which of them may start, which are to be ended, and how the
// attempt as a whole has ended.
//
// States of a job: waiting -> running -> ended, or running -> ending -> ended. A job waits until the services that it uses
// are up. A service is asked to end once all jobs that use it have ended; how it ends then does not matter. When one job
// fails, the others are asked to end, and those that wait do not start: all have failed. Pure decisions, no I/O. Not
// thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plan/executor.hpp"
#include "plan/job_graph.hpp"

namespace furrow::farm {

class RunningGang {
 public:
  struct Start {
    plan::JobId job;
    plan::Launch launch;
  };
  using IsUp = std::function<bool(plan::JobId service)>;

  // STARTS: in the order of the gang's jobs.
  RunningGang(const plan::JobGraph::Gang& gang, int attempt, std::vector<Start> starts);

  // What may start now; it counts as running from then on.
  std::vector<Start> take_startable(const IsUp& is_up);
  bool has_waiting() const { return count(State::kWaiting) > 0 && !ends_early(); }
  void stop() { is_stopped_ = true; }  // nothing more starts
  void ended(plan::Exit exit, const IsUp& is_up);
  std::vector<plan::JobId> take_to_end();  // each once
  bool is_over() const;

  bool was_cancelled() const;
  plan::JobId culprit() const { return culprit_; }  // whose failure ended the others; kNoJob: none failed
  int attempt() const { return attempt_; }
  const std::vector<plan::JobId>& jobs() const { return gang_.jobs; }
  // How each has ended, in the order of the gang's jobs; the culprit first, if there is one. TITLE: its.
  std::vector<plan::Exit> exits(const std::string& title) const;

 private:
  enum class State : std::uint8_t { kWaiting, kRunning, kEnding, kEnded };
  struct Member {
    Start start;
    State state = State::kWaiting;
    std::optional<plan::Exit> exit{};
  };

  std::size_t count(State state) const;
  bool ends_early() const { return culprit_ != plan::kNoJob || is_stopped_; }
  Member& member(plan::JobId job);
  template <class Is>
  bool all_services_of(plan::JobId job, Is is) const;
  bool is_needed(plan::JobId service) const;
  bool is_service(plan::JobId job) const;

  plan::JobGraph::Gang gang_;
  int attempt_;
  std::vector<Member> members_;
  plan::JobId culprit_ = plan::kNoJob;
  bool is_stopped_ = false;
};

// Why a job of a gang ends whose partner has failed. HOW the partner has ended; null: it did not start.
std::string ended_with(const std::string& culprit, const plan::Exit* how = nullptr);

}  // namespace furrow::farm
