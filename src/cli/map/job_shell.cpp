#include "cli/map/job_shell.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "os/process/process.hpp"

namespace furrow::cli {

namespace {

constexpr auto kShells =
    std::to_array<std::string_view>({"ash", "bash", "csh", "dash", "fish", "ksh", "ksh93", "lksh", "mksh",
                                     "pdksh", "posh", "rbash", "rzsh", "sh", "tcsh", "yash", "zsh"});
constexpr auto kAndRedirects = std::to_array<std::string_view>({"bash", "fish", "rbash", "rzsh", "zsh"});

std::string_view base_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

template <class Names>
bool is_one_of(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_shell(std::string_view path) { return is_one_of(kShells, base_of(path)); }

command::QuoteStyle quotes_of(std::string_view path) {
  const std::string_view name = base_of(path);
  if (name == "fish") return command::QuoteStyle::kFish;
  if (name == "csh" || name == "tcsh") return command::QuoteStyle::kCsh;
  return command::QuoteStyle::kPosix;
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool can_execute(const std::string& path) {
  return path.starts_with('/') && ::access(path.c_str(), X_OK) == 0;
}

std::string calling_shell() {
  std::string shell;
  os::for_each_ancestor([&shell](const os::Ancestor& process) {
    shell = shell_of(process);
    return !shell.empty();
  });
  return shell;
}

JobShell choose(const MapCommandOptions& options) {
  if (!options.shell.empty()) return {options.shell, "--shell"};
  if (std::string shell = variable("PARALLEL_SHELL"); !shell.empty()) return {shell, "PARALLEL_SHELL"};
  if (std::string shell = calling_shell(); !shell.empty()) return {shell, "it called furrow map"};
  const std::string shell = variable("SHELL");
  if (is_shell(shell)) return {shell, "SHELL"};
  return {"/bin/sh", shell.empty() ? "no shell called furrow map, and SHELL is not set"
                                   : "no shell called furrow map, and SHELL names none that it knows"};
}

}  // namespace

std::string JobShell::line() const {
  return "furrow map: jobs run in the shell " + path + " (" + reason + ")";
}

// A program may call itself as it likes: `sh` may be bash, which then reads another language. So the name
// counts before the file.
std::string shell_of(const os::Ancestor& process) {
  std::string called = process.arguments.empty() ? "" : process.arguments[0];
  if (called.starts_with('-')) called.erase(0, 1);  // a login shell
  if (base_of(called) == "busybox" && process.arguments.size() > 1) called = process.arguments[1];
  if (is_shell(called)) {
    if (can_execute(called)) return called;
    const std::string name(base_of(called));
    return base_of(process.executable) == name && can_execute(process.executable) ? process.executable : name;
  }
  return is_shell(process.executable) && can_execute(process.executable) ? process.executable : "";
}

JobShell job_shell(const MapCommandOptions& options) {
  JobShell shell = choose(options);
  shell.quotes = quotes_of(shell.path);
  return shell;
}

bool runs_in_background(const std::string& shell) {
  if (is_one_of(kAndRedirects, base_of(shell))) return false;
  const auto path = os::find_program(shell, variable("PATH"));
  if (!path) return false;
  std::string words[] = {shell, "-c", "false &> /dev/null"};
  char* const argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  os::SpawnRequest request;
  request.path = path->c_str();
  request.argv = argv;
  request.envp = environ;
  const auto child = os::Spawner().spawn(request);
  if (!child) return false;
  const int status = os::exit_code(os::wait_for(child->pid).raw_status);
  ::close(child->pidfd);
  return status == 0;
}

Error background_error(const std::string& shell) {
  return Error{
      "the command has &>, which " + shell +
      " does not know: it would run the job in the background and lose its output. Write > FILE 2>&1, or "
      "give --shell bash"};
}

}  // namespace furrow::cli
