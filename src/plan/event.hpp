// The events of a run, for all that listen: the progress display, the log of the run, a trace.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "plan/executor.hpp"
#include "plan/job_graph.hpp"

namespace furrow::plan {

struct Event {
  enum class Kind : std::uint8_t {
    kRunStarted,   // total = jobs to run
    kJobStarted,   // job, attempt, launch
    kJobPlaced,    // job, host: it has begun on that machine; not told for the engine's own
    kJobFinished,  // job, attempt, exit
    kJobFailed,    // job, attempt, exit or error; will_retry
    kJobsSkipped,  // job = the one that failed; count = jobs that cannot run because of it
    kGraphGrown,   // total = jobs to run from now on; count = how many of them are new
    kStopping,     // signal; no new jobs are started
    kRunFinished,
  };
  Kind kind;
  JobId job = kNoJob;
  int attempt = 1;
  std::size_t total = 0;
  std::size_t count = 0;
  const Launch* launch = nullptr;  // borrowed for the call
  const Exit* exit = nullptr;      // borrowed for the call
  const Error* error = nullptr;    // borrowed for the call
  bool will_retry = false;
  int signal = 0;
  std::string_view host{};
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void on_event(const Event& event) = 0;
};

}  // namespace furrow::plan
