#include "exec/local/launcher.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.hpp"
#include "base/strings.hpp"
#include "exec/local/plain_command.hpp"
#include "os/files/files.hpp"

namespace furrow::exec {

namespace {

// Linux limits one argument to 128 KiB, and no setting changes that.
constexpr std::size_t kLongestArgument = 100 * 1024;

Error explain(const os::SpawnFailure& failure, const std::string& program, const plan::Launch& launch) {
  const std::string reason = std::strerror(failure.code);
  switch (failure.step) {
    case os::SpawnFailure::Step::kClone:
      return Error{"cannot start a process for " + program + ": " + reason};
    case os::SpawnFailure::Step::kDirectory:
      return Error{"cannot change to folder " + launch.directory + ": " + reason};
    case os::SpawnFailure::Step::kExec:
      break;
  }
  if (failure.code == E2BIG) {
    return Error{"cannot run " + program + ": its arguments and environment together are too long"};
  }
  return Error{"cannot run " + program + ": " + reason};
}

// These shells agree on what a plain command is; any other may have a language of its own.
bool is_known_shell(std::string_view executable) {
  const std::string_view name = executable.substr(executable.rfind('/') + 1);
  return name == "bash" || name == "sh" || name == "dash";
}

// The given words are used unless the shell would interpret the first one: as an assignment or a builtin.
std::optional<std::vector<std::string>> given_words(const std::vector<std::string>& argv) {
  if (argv.front().empty() || argv.front().find('=') != std::string::npos || is_shell_word(argv.front()))
    return std::nullopt;
  return argv;
}

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

}  // namespace

Launcher::Launcher(std::string scratch, const rlimit* descriptors, const std::string& run)
    : scratch_(scratch.empty() ? "/tmp" : std::move(scratch)), descriptors_(descriptors), environment_(run) {}

Result<os::Child> Launcher::start(const plan::Launch& launch, const LaunchTo& to) {
  failure_code_ = 0;
  return launch.kind == plan::Launch::Kind::kShell ? start_shell(launch, to) : start_program(launch, to);
}

Result<os::Child> Launcher::start_program(const plan::Launch& launch, const LaunchTo& to) {
  if (launch.argv.empty()) return fail("there is no program to run");
  const std::string& name = launch.argv.front();
  const auto path = os::find_program(name, environment_.path(launch.environment));
  if (!path) return fail("cannot run " + shell_quote(name) + ": there is no such program on PATH");
  const Spawned child = spawn(*path, launch.argv, launch, to);
  if (!child) return fail(explain(child.error(), shell_quote(name), launch));
  return *child;
}

Result<os::Child> Launcher::start_shell(const plan::Launch& launch, const LaunchTo& to) {
  if (has_nul(launch.command) || has_nul(launch.prefix)) return fail("the command contains a NUL character");
  os::Child child;
  if (start_plain(launch, to, child)) return child;
  return start_by_shell(launch, to);
}

Result<os::Child> Launcher::start_by_shell(const plan::Launch& launch, const LaunchTo& to) {
  const std::string executable = launch.executable.empty() ? "/bin/bash" : launch.executable;
  const auto path = os::find_program(executable, environment_.path(launch.environment));
  if (!path)
    return fail("cannot run the shell " + shell_quote(executable) + ": there is no such program on PATH");
  std::string text = launch.prefix + launch.command;
  std::vector<std::string> argv{executable};
  if (text.size() <= kLongestArgument) {
    argv.insert(argv.end(), {"-c", std::move(text)});
  } else {
    Result<std::string> script = write_script(text);
    if (!script) return fail(std::move(script.error()));
    argv.push_back(*to.script = *std::move(script));
  }
  const Spawned spawned = spawn(*path, argv, launch, to);
  if (!spawned) return fail(explain(spawned.error(), shell_quote(executable), launch));
  return *spawned;
}

Result<os::Child> Launcher::start_again(const plan::Launch& launch, LaunchTo to) {
  to.waits = true;
  failure_code_ = 0;
  return launch.kind == plan::Launch::Kind::kShell ? start_by_shell(launch, to) : start_program(launch, to);
}

// Returns false if the program cannot be found or started: the shell then reports what is wrong.
bool Launcher::start_plain(const plan::Launch& launch, const LaunchTo& to, os::Child& child) {
  if (!launch.prefix.empty() && launch.prefix != kDefaultPrefix) return false;
  if (launch.command.size() > kLongestArgument) return false;
  if (!launch.executable.empty() && !is_known_shell(launch.executable)) return false;
  const auto words = launch.argv.empty() ? plain_words(launch.command) : given_words(launch.argv);
  if (!words || environment_.changes_shell(words->front(), launch.environment)) return false;
  const auto path = os::find_program(words->front(), environment_.path(launch.environment));
  if (!path) return false;
  // A relative folder in PATH is relative to the folder in which the job runs.
  if (!launch.directory.empty() && path->front() != '/' && *path != words->front()) return false;
  const Spawned spawned = spawn(*path, *words, launch, to);
  if (spawned) child = *spawned;
  return spawned.has_value();
}

Result<std::string> Launcher::write_script(const std::string& text) {
  std::string path = os::absolute(scratch_) + "/command-XXXXXX";
  const int fd = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0) {
    failure_code_ = errno;
    return fail(system_error("cannot create a file for a long command in " + scratch_));
  }
  ::close(fd);
  FURROW_TRY(os::write_file(path, text));
  return path;
}

Launcher::Spawned Launcher::spawn(const std::string& path, const std::vector<std::string>& argv,
                                  const plan::Launch& launch, const LaunchTo& to) {
  argv_.clear();
  for (const std::string& word : argv)
    argv_.push_back(const_cast<char*>(word.c_str()));  // exec does not write to them
  argv_.push_back(nullptr);
  os::SpawnRequest request;
  request.path = path.c_str();
  request.argv = argv_.data();
  if (to.tag != 0) environment_.set_tag(to.tag);
  request.envp = environment_.block(launch.environment, launch.removed, launch.directory);
  request.directory = launch.directory.empty() ? nullptr : launch.directory.c_str();
  request.in_fd = launch.input ? *launch.input : -1;
  request.out_fd = launch.output ? *launch.output : to.out_fd;
  request.err_fd = launch.errors ? *launch.errors : to.err_fd;
  request.nice = launch.nice ? &*launch.nice : nullptr;
  request.slot = to.slot;
  request.descriptors = descriptors_;
  FURROW_LOG(exec, debug, "executes {} with {} arguments", path, argv.size() - 1);
  Spawned spawned = to.waits ? spawner_.spawn(request) : spawner_.start(request);
  failure_code_ = spawned ? 0 : spawned.error().code;
  return spawned;
}

}  // namespace furrow::exec
