// Turns a Launch into a running process: finds the program, avoids the shell if the command needs none, and
// writes a command that is too long for an argument into a file.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "exec/local/environment.hpp"
#include "os/process/process.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

struct LaunchTo {
  int out_fd = -1, err_fd = -1;  // used if the launch has no streams of its own
  std::atomic<std::int32_t>* slot = nullptr;
  std::string* script = nullptr;  // set to a file that must be deleted once the process has ended
  bool waits = false;             // wait until the program runs
  std::uint64_t tag = 0;          // the attempt, in the cookie of its processes; 0: it has no slot in a table
};

class Launcher {
 public:
  // `scratch` is the folder for commands that are too long. `descriptors` is the limit that jobs see;
  // borrowed, null: the engine's own limit. `run` is the id in the cookie of jobs; empty: they have none.
  Launcher(std::string scratch, const rlimit* descriptors, const std::string& run = {});

  // Without LaunchTo::waits, a failure to execute the program shows only when the child has ended: see
  // never_ran().
  Result<os::Child> start(const plan::Launch& launch, const LaunchTo& to);
  // Whether this child, which has ended, failed to execute its program. Ask once; if true, start it again.
  bool never_ran(const os::Child& ended) { return spawner_.failure(ended).has_value(); }
  // errno of the last process that could not start, or of what it needs; 0: it was another mistake.
  int failure_code() const { return failure_code_; }
  // Waits until the program runs, so that an error is reported here, or by the shell if there is one.
  Result<os::Child> start_again(const plan::Launch& launch, LaunchTo to);

 private:
  using Spawned = tl::expected<os::Child, os::SpawnFailure>;

  Result<os::Child> start_program(const plan::Launch& launch, const LaunchTo& to);
  Result<os::Child> start_shell(const plan::Launch& launch, const LaunchTo& to);
  Result<os::Child> start_by_shell(const plan::Launch& launch, const LaunchTo& to);
  bool start_plain(const plan::Launch& launch, const LaunchTo& to, os::Child& child);
  Result<std::string> write_script(const std::string& text);
  Spawned spawn(const std::string& path, const std::vector<std::string>& argv, const plan::Launch& launch,
                const LaunchTo& to);

  const std::string scratch_;
  const rlimit* const descriptors_;
  Environment environment_;
  os::Spawner spawner_;
  std::vector<char*> argv_;
  int failure_code_ = 0;
};

}  // namespace furrow::exec
