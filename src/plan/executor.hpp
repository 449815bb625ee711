// The interface of everything that runs attempts of jobs: on this machine, on MPI ranks, on a cluster.
//
// An executor starts the attempts it is given and reports the end of each, exactly once, to its listener,
// from inside the run's event loop. Retries, limits and order are decided by the farm. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "plan/in_flight_jobs.hpp"
#include "plan/job_graph.hpp"

namespace furrow::plan {

// What to execute for one attempt.
struct Launch {
  enum class Kind : std::uint8_t {
    kNothing,  // succeeds at once
    kProgram,  // argv
    // executable -c "prefix command"; a command that needs no shell runs without one (as argv, if given)
    kShell,
    kFork,  // a child of the evaluator, which gets the payload
  };
  Kind kind = Kind::kNothing;
  std::vector<std::string> argv{};
  std::string command{};
  // goes before the command; "set -euo pipefail; " does not make a command need a shell
  std::string prefix{};
  std::string executable{};  // the shell
  // added to the engine's environment, or replacing variables of it
  std::vector<std::pair<std::string, std::string>> environment{};
  // variables of the engine's environment that it does not get
  std::vector<std::string> removed{};
  std::string directory{};  // where it runs; the engine's own if empty
  std::string payload{};    // kFork: what the evaluator needs, in its own format
  std::string scratch{};    // a file to delete once the attempt is over; may be empty
  // Descriptors that become the standard streams. Without `input`: /dev/null. Without `output` and `errors`,
  // which are set both or neither, output is captured. A descriptor is closed with its last owner.
  using Stream = std::shared_ptr<const int>;
  Stream input{}, output{}, errors{};
  std::optional<int> nice{};
  bool watch_memory = false;  // measure the peak memory even of a small process
};

struct Attempt {
  JobId job = kNoJob;
  int number = 1;  // 1 for the first
  Launch launch;
  double timeout_s = 0;  // 0: none
};

// What a finished attempt used; zero where it was not measured.
struct Usage {
  double wall_s = 0;
  double user_s = 0;
  double system_s = 0;
  // for a process that stayed smaller than the engine, measured only with Launch::watch_memory
  std::int64_t max_rss_kb = 0;
  std::int64_t read_blocks = 0;
  std::int64_t write_blocks = 0;
};

struct Exit {
  JobId job = kNoJob;
  int attempt = 1;
  int status = 0;  // the exit code; -1 if a signal ended the attempt, or it never started
  int signal = 0;  // the signal that ended it; 0: none
  bool cancelled = false;
  bool timed_out = false;
  // why it never started, or the evaluator's error; empty if status and signal say everything
  std::string error{};
  std::string output{};  // the end of what it printed (stdout and stderr), at most kKeptOutput bytes
  // the machine on which it ran, or "" if that is not known; without a value, that of the engine
  std::optional<std::string> host{};
  double started_at = 0;  // seconds since the epoch
  Usage usage{};
  bool ok() const { return status == 0 && signal == 0 && error.empty(); }
};
constexpr std::size_t kKeptOutput = 64 * 1024;

class ExitListener {
 public:
  virtual ~ExitListener() = default;
  virtual void on_exit(Exit exit) = 0;
  // An attempt has begun on another machine than the engine's. Not every executor knows.
  virtual void on_placed(JobId, const std::string& /*host*/) {}
};

// kGently: SIGTERM, then SIGKILL after a grace period. kAtOnce: SIGKILL.
enum class Stop : std::uint8_t { kGently, kAtOnce };

class Executor {
 public:
  virtual ~Executor() = default;
  virtual void set_listener(ExitListener* listener) = 0;  // borrowed; outlives the executor
  virtual std::size_t max_running() const = 0;            // attempts it can hold at a time
  // Never blocks on the job. A failure to start is reported later, as an Exit like any other.
  virtual void start(Attempt attempt) = 0;
  virtual std::size_t running() const = 0;
  virtual void cancel_all(Stop how) = 0;  // each still ends with an Exit
  // Ends a running attempt gently. Its Exit is not `cancelled`: it says that the attempt timed out or that a
  // signal ended it.
  virtual void interrupt(JobId job, bool timed_out) = 0;
  // Lets go of the attempts that go on after the engine has ended, and says of which jobs they are: they get no
  // Exit. A later engine finds them among its in_flight_jobs().
  virtual std::vector<JobId> release() { return {}; }
  // For an executor whose jobs go on after the engine has died; null for all others.
  virtual InFlightJobs* in_flight_jobs() { return nullptr; }
};

// Has another process (the evaluator) fork a child for an attempt, and reports the child's end.
class ForkService {
 public:
  virtual ~ForkService() = default;
  struct Listener {
    virtual ~Listener() = default;
    virtual void on_forked(std::uint64_t tag, Result<int> pid) = 0;
    virtual void on_fork_exit(std::uint64_t tag, int raw_wait_status, std::string error) = 0;
  };
  virtual void set_fork_listener(Listener* listener) = 0;  // borrowed
  // Borrows the descriptors for the call. `slot` is the child's slot in the watchdog's table.
  virtual void fork_child(std::uint64_t tag, std::uint32_t slot, const std::string& payload, int out_fd,
                          int err_fd) = 0;
};

}  // namespace furrow::plan
