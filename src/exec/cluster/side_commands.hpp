// Runs short commands for the engine itself, alongside the jobs, and collects what they print.
//
// The commands do not see the variables of a job of the cluster in which the engine runs (outer_job.hpp). A
// command that exceeds its time limit is killed. The destructor kills running commands without calling
// back. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "os/events/event_loop.hpp"

namespace furrow::exec {

struct CommandAnswer {
  int status = -1;  // exit code; -1: it did not start, or a signal or the time limit ended it
  std::string out{}, err{};
  bool ok() const { return status == 0; }
};

class SideCommands {
 public:
  explicit SideCommands(os::EventLoop& loop);  // borrowed
  ~SideCommands();

  // The shell of the commands and of scripts that are submitted: bash where the user has exported functions of
  // it, such as `module`, since other shells drop them.
  const std::string& shell() const { return shell_; }
  // Runs the command with that shell. Calls `done` once, from the loop.
  void run(const std::string& command, double limit_s, std::function<void(CommandAnswer)> done);

 private:
  struct Running;
  void finish(Running* running);
  os::EventLoop& loop_;
  std::string shell_;
  std::vector<std::string> environment_;
  std::vector<char*> environment_entries_;  // points into it
  std::vector<std::unique_ptr<Running>> running_;
};

}  // namespace furrow::exec
