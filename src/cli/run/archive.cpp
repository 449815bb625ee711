#include "cli/run/archive.hpp"

#include <cstdio>
#include <set>
#include <string_view>
#include <utility>

#include "base/strings.hpp"
#include "cli/report_error.hpp"
#include "deploy/setup_command.hpp"
#include "os/events/event_loop.hpp"
#include "os/files/files.hpp"
#include "os/process/process.hpp"
#include "workflow/dag/graph_view.hpp"
#include "workflow/dag/identity.hpp"

extern char** environ;

namespace furrow::cli {

namespace {

// The option of tar for the end of a name; null if it is no archive.
const char* compression_of(const std::string& name) {
  static constexpr std::pair<std::string_view, const char*> kEnds[] = {
      {".tar", ""}, {".tar.gz", "--gzip"}, {".tgz", "--gzip"}, {".tar.bz2", "--bzip2"}, {".tar.xz", "--xz"}};
  for (const auto& [end, option] : kEnds)
    if (name.ends_with(end)) return option;
  return nullptr;
}

deploy::SetupCommand::Answer run(const std::vector<std::string>& argv) {
  os::EventLoop loop;
  deploy::SetupCommand::Request request;
  request.argv = argv;
  for (char** entry = environ; *entry != nullptr; ++entry) request.environment.emplace_back(*entry);
  deploy::SetupCommand::Answer answer;
  bool has_ended = false;
  const deploy::SetupCommand command(loop, request, [&](deploy::SetupCommand::Answer given) {
    answer = std::move(given);
    has_ended = true;
  });
  while (!has_ended) loop.run_once(-1);
  return answer;
}

Result<std::string> output_of(const std::vector<std::string>& argv, const std::string& what,
                              const std::string& hint) {
  const deploy::SetupCommand::Answer answer = run(argv);
  if (answer.ok()) return answer.out;
  Error error = deploy::command_failure(what, argv, answer.err.empty() ? answer.out : answer.err, "");
  error.hint = hint;
  return fail(std::move(error));
}

void warn(const std::string& path, const std::string& why) {
  print_message(stderr, "furrow: Warning: " + path + " is not in the archive: " + why);
}

// The files by their paths in the folder of the workflow.
class ArchivedFiles {
 public:
  void add(const std::string& path) {
    const std::string here = os::current_directory() + "/", full = os::absolute(path);
    if (!full.starts_with(here) || full.find("/../") != std::string::npos)
      return warn(path, "it is outside of the folder of the workflow");
    if (!os::status(path).exists()) return warn(path, "there is no such file");
    paths_.insert(full.substr(here.size()));
  }
  std::size_t size() const { return paths_.size(); }
  std::string list() const {
    std::string text;
    for (const std::string& path : paths_) text += path + '\0';
    return text;
  }

 private:
  std::set<std::string> paths_;
};

void add_inputs(WorkflowSession& session, ArchivedFiles& files) {
  std::set<std::string> inputs, outputs;
  for (const workflow::NodeId node : session.dag().order()) {
    const workflow::JobView view = workflow::view_of(session.dag(), session.rules(), node);
    inputs.insert(view.input.begin(), view.input.end());
    outputs.insert(view.output.begin(), view.output.end());
  }
  for (const std::string& input : inputs)
    if (!outputs.contains(input)) files.add(input);
}

// Under another name until it is complete.
Result<void> write(const ArchivedFiles& files, const std::string& name) {
  const std::string part = name + ".part", list = name + ".files";
  std::vector<std::string> argv{"tar",
                                "--create",
                                "--dereference",
                                "--file=" + part,
                                "--null",
                                "--verbatim-files-from",
                                "--files-from=" + list};
  if (const std::string option = compression_of(name); !option.empty()) argv.push_back(option);
  FURROW_TRY(os::write_file(list, files.list()));
  auto done = output_of(argv, "cannot write the archive " + name, "");
  (void)os::remove_tree(list);
  if (done && std::rename(part.c_str(), name.c_str()) == 0) return {};
  (void)os::remove_tree(part);
  return fail(done ? Error{"cannot rename " + part + " to " + name} : std::move(done.error()));
}

Result<std::size_t> archive(WorkflowSession& session, const std::string& name) {
  if (compression_of(name) == nullptr)
    return fail(Error{"--archive: " + name + " does not end in .tar, .tar.gz, .tar.bz2 or .tar.xz"});
  if (os::status(name).exists())
    return fail(Error{"--archive: " + name + " is there already", "", 0, "Remove it, or give another name."});
  ArchivedFiles files;
  const std::string tracked = FURROW_TRY(
      output_of({"git", "ls-files", "-z"}, "--archive: git does not say which files the workflow has",
                "An archive holds what is under version control: git init, git add."));
  for (const std::string& path : split(tracked, '\0'))
    if (!path.empty()) files.add(path);
  add_inputs(session, files);
  if (files.size() == 0)
    return fail(Error{"--archive: git has no file of this folder under version control", "", 0,
                      "Add the Snakefile and what it needs by git add."});
  FURROW_TRY(write(files, name));
  return files.size();
}

}  // namespace

int write_archive_of(WorkflowSession& session) {
  const std::string& name = session.options().archive;
  const auto count = archive(session, name);
  if (!count) return report_error(count.error());
  print_message(stderr, "furrow: " + count_of(*count, "file") + " written to " + name);
  return 0;
}

}  // namespace furrow::cli
