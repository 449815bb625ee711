#include "deploy/container_job.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <set>
#include <string_view>

#include "base/strings.hpp"
#include "os/files/files.hpp"
#include "os/process/job_cookie.hpp"
#include "os/process/marked_processes.hpp"

extern char** environ;

namespace furrow::deploy {

namespace {

// Linux limits one argument to 128 KiB, and quotes make a command longer.
constexpr std::size_t kLongestCommand = 50 * 1024;

bool is_within(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder == "/" ? folder : folder + "/");
}

// A command that is too long for an argument goes to a file in the workflow's folder, which the container shows.
Result<std::vector<std::string>> shell_words(const std::string& home, plan::Launch& launch) {
  // The image has the shell where it likes.
  const std::string shell = launch.executable.substr(launch.executable.rfind('/') + 1);
  std::string text = launch.prefix + launch.command;
  if (text.size() <= kLongestCommand) return std::vector<std::string>{shell, "-c", std::move(text)};
  const std::string file = home + "/.furrow/payload/" + os::new_run_id() + ".sh";
  FURROW_TRY(os::make_parent(file));
  FURROW_TRY(os::write_file(file, text));
  launch.scratch = file;
  return std::vector<std::string>{shell, file};
}

// Python leaves no compiled files, since HOME is the folder of the workflow.
std::vector<std::string> program_words(std::vector<std::string> argv) {
  if (!argv.empty() && argv.front() == "python3") argv.insert(argv.begin() + 1, "-B");
  return argv;
}

std::string temporary_folder(const plan::Launch& launch) {
  for (const auto& [name, value] : launch.environment)
    if (name == "TMPDIR" && !value.empty()) return os::absolute(value);
  const char* const own = std::getenv("TMPDIR");
  return own != nullptr && *own != '\0' ? os::absolute(own) : "/tmp";
}

// Those that are there, without those that others hold.
std::vector<std::string> outermost(std::vector<std::string> folders, const std::string& home) {
  std::sort(folders.begin(), folders.end());
  std::vector<std::string> kept;
  for (const std::string& folder : folders) {
    const auto holds = [&](const std::string& other) { return is_within(folder, other); };
    if (!holds(home) && std::none_of(kept.begin(), kept.end(), holds) && os::status(folder).exists())
      kept.push_back(folder);
  }
  return kept;
}

bool is_plain_name(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

std::vector<std::string> variables_of(const plan::Launch& launch) {
  std::set<std::string> names{os::kCookieVariable};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    names.emplace(text.substr(0, text.find('=')));
  }
  for (const std::string& name : launch.removed) names.erase(name);
  for (const auto& [name, value] : launch.environment) names.insert(name);
  std::erase_if(names, [](const std::string& name) { return !is_plain_name(name); });
  return {names.begin(), names.end()};
}

// Words that no shell would change.
bool is_plain(const std::string& arguments) {
  return std::all_of(arguments.begin(), arguments.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view(" _-+=:,./@%").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

std::vector<std::string> with_arguments(const ContainerCommand& command, const std::string& arguments) {
  std::vector<std::string> words = command.before;
  if (is_plain(arguments)) {
    for (std::string& word : split(arguments, ' '))
      if (!word.empty()) words.push_back(std::move(word));
    words.insert(words.end(), command.after.begin(), command.after.end());
    return words;
  }
  // A shell reads them where the job runs, as it does for Snakemake: they may name variables of the node.
  std::string text = "exec";
  for (const std::string& word : command.before) text += " " + shell_quote(word);
  words = {"/bin/sh", "-c", text + " " + arguments + " \"$@\"", "furrow"};
  words.insert(words.end(), command.after.begin(), command.after.end());
  return words;
}

// The runtime's program starts without a shell or `env` before it, which would take a millisecond a job.
void change_environment(const ContainerCommand& command, plan::Launch& launch) {
  for (const std::string& name : command.removed) {
    std::erase_if(launch.environment, [&](const auto& variable) { return variable.first == name; });
    launch.removed.push_back(name);
  }
  launch.environment.insert(launch.environment.end(), command.environment.begin(), command.environment.end());
}

std::vector<std::string> with_environment(const ContainerCommand& command, std::vector<std::string> words) {
  if (command.removed.empty() && command.environment.empty()) return words;
  Activation changes;
  changes.removed = command.removed;
  changes.set = command.environment;
  return with_variables(changes, std::move(words));
}

}  // namespace

ContainerJob JobContainer::job_with(const plan::Launch& launch, const ContainerPlace& place) const {
  ContainerJob job;
  job.image = image_;
  job.home = home_;
  job.directory = place.directory.empty() ? home_ : place.directory;
  job.temporary = temporary_folder(launch);
  std::vector<std::string> folders = place.folders;
  folders.push_back(job.temporary);
  // The folder itself is made later.
  if (!place.directory.empty()) folders.push_back(os::parent_of(place.directory));
  job.folders = outermost(std::move(folders), home_);
  job.variables = variables_of(launch);
  return job;
}

Result<void> JobContainer::put(const ContainerPlace& place, const Activation* activation,
                               plan::Launch& launch) const {
  using Kind = plan::Launch::Kind;
  if (launch.kind != Kind::kShell && launch.kind != Kind::kProgram) return {};
  if (runtime_.leaves_group()) launch.environment.emplace_back(os::kMarkVariable, os::new_run_id());
  if (!place.directory.empty()) FURROW_TRY(os::make_directories(os::parent_of(place.directory)));
  ContainerJob job = job_with(launch, place);
  if (launch.kind == Kind::kShell) {
    job.argv = FURROW_TRY(shell_words(home_, launch));
  } else {
    job.argv = program_words(std::move(launch.argv));
  }
  if (activation != nullptr) job.argv = with_variables(*activation, std::move(job.argv));
  FURROW_TRY(runtime_.prepare(job));
  const ContainerCommand command = runtime_.command(job);
  launch.argv = with_arguments(command, arguments_);
  change_environment(command, launch);
  launch.kind = Kind::kProgram;
  launch.prefix.clear();
  return {};
}

std::vector<std::string> JobContainer::put(std::vector<std::string> argv, const std::string& folder) const {
  ContainerJob job = job_with({}, {.directory = {}, .folders = {folder}});
  job.argv = std::move(argv);
  (void)runtime_.prepare(job);  // if it fails, the command says why
  const ContainerCommand command = runtime_.command(job);
  return with_environment(command, with_arguments(command, arguments_));
}

}  // namespace furrow::deploy
