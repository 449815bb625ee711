// Programs that the engine runs for itself, beside the jobs: short ones that answer on standard output.
//
// A program that does not answer in time is killed. Destroyed, it kills what runs and calls nobody back. Not
// thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "os/events/event_loop.hpp"

namespace furrow::exec {

struct CommandAnswer {
  int status = -1;  // exit code; -1: it could not be started, a signal or the time limit ended it
  std::string out{}, err{};
  bool ok() const { return status == 0; }
};

class SideCommands {
 public:
  explicit SideCommands(os::EventLoop& loop);  // borrowed
  ~SideCommands();

  // By /bin/sh. Calls back from the loop, once.
  void run(const std::string& command, double limit_s, std::function<void(CommandAnswer)> done);

 private:
  struct Running;
  void finish(Running* running);
  os::EventLoop& loop_;
  std::vector<std::unique_ptr<Running>> running_;
};

}  // namespace furrow::exec
