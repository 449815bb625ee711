// The process in which the user's python3 runs the evaluator. Knows nothing of what is said with it.
//
// States: running -> ended. A running one is killed by kill() and by the destructor; none is left as a
// zombie. Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "os/process/process.hpp"

namespace furrow::snakefile {

class Interpreter {
 public:
  // Runs MAIN_FILE with the descriptors SOCKET and GUARD_FD (-1: none), which are borrowed for the call.
  // Returns once the process is there, which says nothing yet of whether it is a Python that will do.
  static Result<std::unique_ptr<Interpreter>> start(const std::string& python, const std::string& main_file,
                                                    int socket, int guard_fd);
  ~Interpreter() { kill(); }
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  const std::string& python() const { return python_; }  // the program that was started
  int pid() const { return child_.pid; }                 // -1 once ended
  int pidfd() const { return child_.pidfd; }             // readable when the process has ended; -1 once ended

  bool leaves_within(int ms) const;  // waits for it to end by itself
  void kill();

  // How it has come to its end, after leaves_within(). DOING is what it was doing, empty where that was
  // nothing; HAS_SPOKEN is false where it has never said a word.
  Error ended_error(const std::string& doing, bool has_spoken) const;

 private:
  Interpreter(std::string python, os::Child child) : python_(std::move(python)), child_(child) {}

  std::string python_;
  os::Child child_;
};

}  // namespace furrow::snakefile
