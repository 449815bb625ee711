// The process in which the user's python3 runs the evaluator. Knows nothing of the protocol.
//
// States: running -> ended. kill() and the destructor kill a running process; no zombie is left. Not
// thread-safe.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "os/process/process.hpp"

namespace furrow::snakefile {

class Interpreter {
 public:
  // Runs MAIN_FILE with the descriptors SOCKET and WATCHDOG_FD (-1: none), which are borrowed for the call, and
  // the cookie of RUN (empty: none).
  // Returns once the process is started, before it is known whether the Python is recent enough.
  static Result<std::unique_ptr<Interpreter>> start(const std::string& python, const std::string& main_file,
                                                    int socket, int watchdog_fd, const std::string& run);
  ~Interpreter() { kill(); }
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  const std::string& python() const { return python_; }  // the program that was started
  int pid() const { return child_.pid; }                 // -1 once ended
  int pidfd() const { return child_.pidfd; }             // readable when the process has ended; -1 once ended

  bool exits_within(int ms) const;  // waits for the process to end by itself
  void kill();

  // Why the process ended; call it after exits_within(). DOING is what it was doing, empty for nothing.
  // HAS_SPOKEN: whether it ever sent a message.
  Error ended_error(const std::string& doing, bool has_spoken) const;

 private:
  Interpreter(std::string python, os::Child child) : python_(std::move(python)), child_(child) {}

  std::string python_;
  os::Child child_;
};

}  // namespace furrow::snakefile
