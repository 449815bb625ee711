// What happens in a run, for people who look at it later or from elsewhere.
// Nothing here decides what runs. Times are seconds since the epoch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace furrow::store {

// Who runs, and with what.
struct RunFacts {
  std::string run{};   // the id of the engine
  std::string mark{};  // which process it is: RunMark::text()
  std::string host{}, user{}, version{}, executor{};
  double began_at = 0;
  std::int64_t cores = 0;  // the limit of -c; 0: the executor has none
};

// How many jobs a rule has in the plan.
struct RulePlan {
  std::string rule{};
  std::uint64_t due = 0, up_to_date = 0;
};

struct JobStart {
  // The number of the job in the run; further attempts have the same.
  std::uint32_t job = 0;
  int attempt = 1, threads = 1;
  double at = 0;              // when it was handed to the executor
  std::string_view rule{};    // views are valid during the call
  std::string_view reason{};  // why it runs
  std::string_view wildcards{};
  std::string_view key{};   // of its record
  std::string_view logs{};  // paths of its log files, a line each
};

// A job has begun on another machine than the engine's.
struct JobPlace {
  std::uint32_t job = 0;
  std::string_view host{};  // valid during the call
};

struct JobEnd {
  enum class State : std::uint8_t { kDone = 0, kFailed = 1, kInterrupted = 2, kTimedOut = 3 };
  std::uint32_t job = 0;
  int attempt = 1;
  State state = State::kDone;
  bool will_retry = false;
  double at = 0;          // when the engine learned of it
  double started_at = 0;  // when the attempt really started; 0: it never did
  double wall_s = 0, user_s = 0, system_s = 0;
  std::int64_t max_rss_kb = 0;
  int status = 0, signal = 0;
  std::string_view error{};   // why it failed, if not by its exit
  std::string_view output{};  // the end of what a failed job has printed
};

class RunEvents {
 public:
  virtual ~RunEvents() = default;
  virtual void on_run(const RunFacts& facts) = 0;
  // Which workflow runs: a text that only those who keep and show it understand.
  virtual void on_workflow(std::string_view facts) = 0;
  virtual void on_plan(const std::vector<RulePlan>& rules) = 0;
  virtual void on_total(std::uint64_t due) = 0;  // the graph has grown or shrunk
  virtual void on_start(const JobStart& start) = 0;
  virtual void on_place(const JobPlace& place) = 0;
  virtual void on_end(const JobEnd& end) = 0;
  virtual void on_skipped(std::uint64_t jobs) = 0;  // since one that they need has failed
  virtual void on_stopping(int signal, double at) = 0;
  virtual void on_finish(int code, double at) = 0;
};

}  // namespace furrow::store
