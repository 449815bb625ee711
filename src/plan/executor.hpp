// The seam between deciding and doing: what runs one attempt of one job, wherever that is.
//
// An executor is started attempts and reports how each ended, exactly once, to its listener, from inside the
// run's event loop. It decides nothing: no retries, no limits, no order. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "plan/job_graph.hpp"

namespace furrow::plan {

// What to execute for one attempt.
struct Launch {
  enum class Kind : std::uint8_t {
    kNothing,  // ends at once, well
    kProgram,  // argv
    kShell,    // executable -c "prefix command"; without a shell where the command needs none: as argv, if
               // given
    kFork,     // a child of the evaluator, which gets the payload
  };
  Kind kind = Kind::kNothing;
  std::vector<std::string> argv{};
  std::string command{};
  // goes before the command; "set -euo pipefail; " says no more than a plain command does
  std::string prefix{};
  std::string executable{};                                        // the shell
  std::vector<std::pair<std::string, std::string>> environment{};  // added to, or replacing, the engine's own
  std::string directory{};                                         // where it runs; the engine's own if empty
  std::string payload{};  // kFork: what the evaluator needs, in its own words
  std::string scratch{};  // a file to delete once the attempt is over; may be empty
  // Descriptors that become the standard streams. No input: /dev/null. No output: it is captured; both or
  // none of the two. Closed with their last owner.
  using Stream = std::shared_ptr<const int>;
  Stream input{}, output{}, errors{};
  std::optional<int> nice{};
  bool watch_memory = false;  // somebody wants to know its peak, however small
};

struct Attempt {
  JobId job = kNoJob;
  int number = 1;  // 1 for the first
  Launch launch;
  double timeout_s = 0;  // 0: none
};

// What a finished attempt used; zero where nobody measured it.
struct Usage {
  double wall_s = 0;
  double user_s = 0;
  double system_s = 0;
  std::int64_t max_rss_kb = 0;  // of one that stayed smaller than the engine only if Launch::watch_memory
  std::int64_t read_blocks = 0;
  std::int64_t write_blocks = 0;
};

struct Exit {
  JobId job = kNoJob;
  int attempt = 1;
  int status = 0;  // the exit code; -1 where a signal ended it, or it never started
  int signal = 0;  // the signal; 0 where none
  bool cancelled = false;
  bool timed_out = false;
  // why it never started, or what the evaluator said; empty where the process speaks for itself
  std::string error{};
  std::string output{};   // the last part of what it printed (stdout and stderr), at most kKeptOutput bytes
  double started_at = 0;  // seconds since the epoch
  Usage usage{};
  bool ok() const { return status == 0 && signal == 0 && error.empty(); }
};
constexpr std::size_t kKeptOutput = 64 * 1024;

class ExitListener {
 public:
  virtual ~ExitListener() = default;
  virtual void on_exit(Exit exit) = 0;
};

enum class Stop : std::uint8_t { kGently, kAtOnce };  // SIGTERM, then SIGKILL after a grace; or SIGKILL

class Executor {
 public:
  virtual ~Executor() = default;
  virtual void set_listener(ExitListener* listener) = 0;  // borrowed; outlives the executor
  virtual std::size_t max_running() const = 0;            // attempts it can hold at a time
  // Never blocks on the job. What keeps it from starting is reported as an Exit, later, like any other end.
  virtual void start(Attempt attempt) = 0;
  virtual std::size_t running() const = 0;
  virtual void cancel_all(Stop how) = 0;  // each still ends with an Exit
  // Ends one that runs, gently, and not as cancelled: as one that took too long, or as one that a signal hit.
  virtual void interrupt(JobId job, bool timed_out) = 0;
};

// Forks a child of a process that is not ours (the evaluator) for an attempt, and tells of its end.
class ForkService {
 public:
  virtual ~ForkService() = default;
  struct Listener {
    virtual ~Listener() = default;
    virtual void on_forked(std::uint64_t tag, Result<int> pid) = 0;
    virtual void on_fork_exit(std::uint64_t tag, int raw_wait_status, std::string error) = 0;
  };
  virtual void set_fork_listener(Listener* listener) = 0;  // borrowed
  // Borrows the descriptors for the call. SLOT is the child's place in the guard's table.
  virtual void fork_child(std::uint64_t tag, std::uint32_t slot, const std::string& payload, int out_fd,
                          int err_fd) = 0;
};

}  // namespace furrow::plan
