#include "snakefile/interpreter.hpp"

#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <vector>

#include "os/process/job_cookie.hpp"

extern char** environ;

namespace furrow::snakefile {

namespace {

std::string how_it_ended(int raw_status) {
  if (const int number = os::exit_signal(raw_status)) {
    return "was ended by signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
  }
  return "ended with exit status " + std::to_string(os::exit_code(raw_status));
}

}  // namespace

Result<std::unique_ptr<Interpreter>> Interpreter::start(const std::string& python,
                                                        const std::string& main_file, int socket,
                                                        int watchdog_fd, const std::string& run) {
  std::vector<std::string> words = {python, main_file, "--fd", std::to_string(socket)};
  std::vector<int> inherited = {socket};
  if (watchdog_fd >= 0) {
    words.insert(words.end(), {"--guard-fd", std::to_string(watchdog_fd)});
    inherited.push_back(watchdog_fd);
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> environment;
  std::string cookie = run.empty() ? std::string() : os::cookie_entry(run, os::kTagOfEvaluator);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (cookie.empty() || !os::is_cookie_entry(*entry)) environment.push_back(*entry);
  }
  if (!cookie.empty()) environment.push_back(cookie.data());
  environment.push_back(nullptr);
  os::SpawnRequest request;
  request.path = python.c_str();
  request.argv = argv.data();
  request.envp = environment.data();
  request.inherited = inherited;
  // In its own process group, so that only the engine handles Ctrl-C.
  const auto started = os::Spawner().spawn(request);
  if (started) return std::unique_ptr<Interpreter>(new Interpreter(python, *started));
  return fail(Error{"cannot start " + python + ": " + std::strerror(started.error().code), "", 0,
                    "Name another Python with --python or FURROW_PYTHON."});
}

bool Interpreter::exits_within(int ms) const {
  pollfd entry{child_.pidfd, POLLIN, 0};
  return ::poll(&entry, 1, ms) > 0;
}

void Interpreter::kill() {
  if (child_.pid < 0) return;
  ::kill(child_.pid, SIGKILL);
  os::wait_for(child_.pid);
  ::close(child_.pidfd);
  child_ = {};
}

Error Interpreter::ended_error(const std::string& doing, bool has_spoken) const {
  const int raw_status = os::peek_status(child_.pid).value_or(0);
  Error error{"the evaluator (" + python_ + ") " + how_it_ended(raw_status)};
  if (!doing.empty()) error.message += " while it was " + doing;
  if (!has_spoken && os::exit_signal(raw_status) == 0) {
    error.hint = "Furrow needs Python 3.9 or newer; name another with --python or FURROW_PYTHON.";
  } else if (os::exit_signal(raw_status) != 0) {
    error.hint =
        "Something that the Snakefile uses crashed or was killed: an extension module may be broken, or "
        "memory "
        "ran out.";
  } else {
    error.hint = "Something that the Snakefile uses ended Python itself (os._exit?).";
  }
  return error;
}

}  // namespace furrow::snakefile
