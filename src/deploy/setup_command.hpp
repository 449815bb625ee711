// A program that sets up an environment: run beside the jobs, with what it prints kept. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "os/events/event_loop.hpp"
#include "os/process/process.hpp"

namespace furrow::deploy {

class SetupCommand {
 public:
  struct Request {
    std::vector<std::string> argv{};
    std::vector<std::string> environment{};     // "NAME=value"
    std::atomic<std::int32_t>* slot = nullptr;  // of the watchdog; null: none
    bool keeps_order = false;                   // both streams go to `out`
    std::string directory{};                    // where it runs; empty: the engine's own
  };
  struct Answer {
    int status = -1;  // exit code; -1: a signal ended it, or it did not start
    std::string out{}, err{};
    bool ok() const { return status == 0; }
  };
  using Done = std::function<void(Answer)>;

  // Calls DONE once, from LOOP. DONE may destroy this object.
  SetupCommand(os::EventLoop& loop, const Request& request, Done done);
  // Kills the program and its group, if it still runs, without calling back.
  ~SetupCommand();
  SetupCommand(const SetupCommand&) = delete;
  SetupCommand& operator=(const SetupCommand&) = delete;

 private:
  struct Stream {
    int fd = -1;
    std::string text{};
  };
  void start(const Request& request);
  void read(Stream& stream);
  void close(int& fd);
  void on_ended();
  void finish();

  os::EventLoop& loop_;
  Done done_;
  os::Child child_{};
  std::atomic<std::int32_t>* slot_ = nullptr;
  Stream out_{}, err_{};
  int status_ = -1;
  std::uint64_t timer_ = 0;
};

// The end of what a command has printed.
std::string end_of_output(const std::string& printed);
// WHAT, with the command and the end of its output. What was left out of that goes to the file LOG.
Error command_failure(const std::string& what, const std::vector<std::string>& argv,
                      const std::string& printed, const std::string& log);
// A path as messages name it.
std::string shown_path(const std::string& path);

}  // namespace furrow::deploy
