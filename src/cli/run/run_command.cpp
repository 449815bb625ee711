#include "cli/run/run_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "base/printable.hpp"
#include "base/strings.hpp"
#include "cli/report_error.hpp"
#include "cli/run/archive.hpp"
#include "cli/run/cluster_run.hpp"
#include "cli/run/container_recipe.hpp"
#include "cli/run/dry_run.hpp"
#include "cli/run/file_history.hpp"
#include "cli/run/option_page.hpp"
#include "cli/run/output_cleaner.hpp"
#include "cli/run/software_setup.hpp"
#include "cli/run/workflow_run.hpp"
#include "cli/run/workflow_session.hpp"
#include "cli/run/workflow_texts.hpp"
#include "cli/run/write_report.hpp"
#include "os/events/clock.hpp"
#include "os/events/signals.hpp"
#include "os/files/descriptor.hpp"
#include "os/terminal/shown.hpp"
#include "store/engines.hpp"
#include "workflow/dag/graph_view.hpp"
#include "workflow/dag/identity.hpp"

namespace furrow::cli {

namespace {

using Mode = RunOptions::Mode;

// Until jobs run, an interrupt needs no orderly shutdown: the evaluator dies with its parent, and nothing is
// written to the store.
void exit_when_interrupted() {
  struct sigaction action {};
  action.sa_handler = [](int) {
    constexpr char kText[] = "furrow: interrupted while planning\n";
    if (::write(2, kText, sizeof kText - 1) < 0) ::_exit(1);
    ::_exit(1);
  };
  for (const int signal : os::not_ignored({SIGINT, SIGTERM, SIGHUP})) ::sigaction(signal, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

int print(const std::string& plain) {
  const std::string text = os::shown_on(STDOUT_FILENO, plain);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return std::fflush(stdout) == 0 || errno == EPIPE
             ? 0
             : report_error(system_error("cannot write to standard output"));
}

std::string list_rules(WorkflowSession& session, bool only_targets) {
  std::string text;
  for (workflow::RuleId id = 0; id < session.rules().size(); ++id) {
    const workflow::CompiledRule& rule = session.rules()[id];
    if (only_targets && !rule.wildcards.empty()) continue;
    text += rule.rule.name + "\n";
    std::string line;
    for (const char c : rule.rule.docstring + "\n") {
      if (c != '\n') {
        line += c;
        continue;
      }
      const std::size_t begin = line.find_first_not_of(" \t");
      if (begin != std::string::npos) text += "    " + line.substr(begin) + "\n";
      line.clear();
    }
  }
  return text;
}

// Of the files that were asked for by name.
Result<std::string> histories(WorkflowSession& session) {
  std::string text;
  for (const std::string& name : session.options().why) {
    const workflow::FileId file = session.dag().files.intern(name);
    if (session.dag().producer(file) == workflow::kNoNode) continue;
    text += "history:\n" + FURROW_TRY(history_of(session, name));
  }
  return text;
}

Result<std::string> why(WorkflowSession& session) {
  std::string text;
  for (const workflow::NodeId node : session.dag().order()) {
    const workflow::CompiledRule& rule = session.rules()[session.dag().node(node).rule];
    const auto outputs = session.dag().outputs(node, session.rules());
    const auto& wanted = session.options().why;
    const bool asked =
        wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](const std::string& name) {
          return name == rule.rule.name || std::any_of(outputs.begin(), outputs.end(), [&](auto f) {
                   return session.dag().files.view(f) == name;
                 });
        });
    if (!asked) continue;
    auto lines = FURROW_TRY(session.staleness().explain(node));
    const std::string wildcards =
        one_line(workflow::show_wildcards(rule, session.dag().values(node, session.rules())));
    text += rule.rule.name + (wildcards.empty() ? "" : " (" + wildcards + ")");
    text += session.staleness().must_run(node) ? " must run:\n" : " need not run:\n";
    for (const std::string& checkpoint : workflow::awaited_checkpoints(session.dag(), session.rules(), node))
      lines.push_back("its inputs are known once " + checkpoint +
                      (checkpoint == workflow::kItsQueue ? " has ended" : " has run"));
    for (const std::string& line : lines) text += "    " + line + "\n";
  }
  return text + FURROW_TRY(histories(session));
}

// The outputs of jobs whose code, inputs or params are not those of the run that made them.
std::string list_changes(WorkflowSession& session) {
  const Mode mode = session.options().mode;
  const workflow::Reasons wanted = mode == Mode::kListCodeChanges    ? workflow::kCodeChanged
                                   : mode == Mode::kListInputChanges ? workflow::kInputsChanged
                                                                     : workflow::kParamsChanged;
  std::string text;
  for (const workflow::NodeId node : session.dag().order()) {
    if (!(session.staleness().reasons(node) & wanted)) continue;
    for (const workflow::FileId file : session.dag().outputs(node, session.rules()))
      text += std::string(session.dag().files.view(file)) + "\n";
  }
  return text;
}

int print_graph(WorkflowSession& session) {
  const auto format =
      session.options().mermaid ? workflow::GraphFormat::kMermaid : workflow::GraphFormat::kDot;
  switch (session.options().mode) {
    case Mode::kDag:
      return print(workflow::job_graph(session.dag(), session.rules(), session.staleness(), format));
    case Mode::kRuleGraph:
      return print(workflow::rule_graph(session.dag(), session.rules(), format));
    default:
      return print(workflow::file_graph(session.dag(), session.rules()));
  }
}

// As in Snakemake, the exit code is 1 if there is any advice.
int print_about_snakefile(WorkflowSession& session) {
  const bool is_lint = session.options().mode == Mode::kLint;
  const char* const what = !is_lint ? "translation" : session.options().lints_as_json ? "lint json" : "lint";
  const auto found = session.evaluator().text(what);
  if (!found) return report_error(found.error());
  if (is_lint && !found->second && !session.options().lints_as_json) return print("Nothing to advise.\n");
  const int code = print(found->first);
  return code == 0 && is_lint && found->second ? 1 : code;
}

// For --verbose: measures where the time before the first job goes.
class Stopwatch {
 public:
  explicit Stopwatch(bool on) : on_(on) {}
  void say(const std::string& what) {
    const double now = os::monotonic_seconds();
    if (on_) print_message(stderr, fmt::format("furrow: {} in {:.3f} s", what, now - since_));
    since_ = now;
  }

 private:
  bool on_;
  double since_ = os::monotonic_seconds();
};

// Makes what the job of the notebook needs, and then the notebook.
int run_and_draft(WorkflowSession& session) {
  const std::string& file = session.options().draft_notebook;
  const workflow::NodeId node = session.dag().producer(session.dag().files.intern(file));
  if (node == workflow::kNoNode)
    return report_error(Error{"no rule makes " + file, {}, 0, "--draft-notebook takes an output of a rule."});
  // Growth may move what the graph holds.
  workflow::JobView view = workflow::view_of(session.dag(), session.rules(), node);
  view.is_preview = true;
  if (const auto possible = session.evaluator().describe({&view, 1}).front(); !possible)
    return report_error(possible.error());
  view.is_preview = false;
  if (const int code = WorkflowRun(session).run(); code != 0) return code;
  const auto described = session.evaluator().describe({&view, 1}).front();
  if (!described) return report_error(described.error());
  print_message(stderr, "furrow: " + described->launch.command);
  return 0;
}

// Nothing if the plan is void, since another engine has changed its files.
std::optional<int> execute(WorkflowSession& session) {
  Stopwatch watch(session.options().verbose);
  if (auto loaded = session.load(); !loaded) return report_error(loaded.error());
  watch.say(session.evaluator().python() + " loaded " + count_of(session.rules().size(), "rule"));
  const Mode mode = session.options().mode;
  if (mode == Mode::kList || mode == Mode::kListTargets)
    return print(list_rules(session, mode == Mode::kListTargets));
  if (mode == Mode::kPrintCompilation || mode == Mode::kLint) return print_about_snakefile(session);
  if (auto opened = session.open_store(); !opened) return report_error(opened.error());
  if (mode == Mode::kCleanupMetadata) return forget_records(session);
  if (auto planned = session.plan(); !planned) return report_error(planned.error());
  watch.say("planned " + count_of(session.dag().order().size(), "job") + ", of which " +
            std::to_string(session.staleness().count()) + " must run,");
  if (session.options().debug_dag) print_message(stderr, candidate_jobs(session));
  switch (mode) {
    case Mode::kRun:
      break;
    case Mode::kD3Dag:
      return print(graph_as_json(session));
    case Mode::kListUntracked: {
      const auto text = untracked_files(session);
      return text ? print(*text) : report_error(text.error());
    }
    case Mode::kDag:
    case Mode::kRuleGraph:
    case Mode::kFileGraph:
      return print_graph(session);
    case Mode::kSummary:
      return print(workflow::summary(session.dag(), session.rules(), session.states(), session.staleness()));
    case Mode::kDetailedSummary: {
      const std::vector<std::string> commands = commands_of(session, session.dag().order());
      return print(workflow::summary(session.dag(), session.rules(), session.states(), session.staleness(),
                                     &commands));
    }
    case Mode::kReport:
      return write_report(session);
    case Mode::kMakeEnvironments:
      return make_environments_only(session);
    case Mode::kListEnvironments:
      return list_environments(session);
    case Mode::kRemoveEnvironments:
      return remove_unused_environments(session);
    case Mode::kArchive:
      return write_archive_of(session);
    case Mode::kContainerize:
      return print_container_recipe(session);
    case Mode::kRemoveImages:
      return remove_unused_images(session);
    case Mode::kWhy: {
      const auto text = why(session);
      return text ? print(*text) : report_error(text.error());
    }
    case Mode::kListCodeChanges:
    case Mode::kListInputChanges:
    case Mode::kListParamsChanges:
      return print(list_changes(session));
    case Mode::kDeleteAll:
    case Mode::kDeleteTemp:
      break;
    default:
      return 0;
  }
  if (!session.options().dry_run) {
    const auto locked = session.lock_files();
    if (!locked) return report_error(locked.error());
    if (!*locked) return std::nullopt;
  }
  if (mode != Mode::kRun) return delete_outputs(session, mode == Mode::kDeleteTemp);
  if (session.options().dry_run) return dry_run(session);
  if (!session.options().draft_notebook.empty()) return run_and_draft(session);
  return WorkflowRun(session).run();
}

// A lock ends with its process; what may stay is the mark of jobs that may run on another host.
int unlock(const RunOptions& options) {
  const std::string folder = (options.directory.empty() ? "." : options.directory) + "/.furrow";
  const auto of_store = store::FolderLock::forget_jobs(folder + "/lock");
  if (!of_store) return report_error(of_store.error());
  const auto of_others = store::Engines::forget_jobs(folder);
  if (!of_others) return report_error(of_others.error());
  std::fprintf(stderr, "furrow: %s\n",
               *of_store || *of_others ? "unlocked: jobs of the run that was killed are taken for ended"
                                       : "nothing to unlock: a lock ends with the process that holds it");
  return 0;
}

// As often as the plan is void; from the folder HERE.
int execute_again(const RunOptions& options, RankSession* ranks, const os::Descriptor& here) {
  for (;;) {
    if (::fchdir(here.get()) != 0)
      return report_error(system_error("cannot change to the folder of the start"));
    WorkflowSession session(options, ranks);
    if (const auto code = execute(session)) return *code;
    if (!options.quiet_all)
      print_message(stderr,
                    "furrow: another run that has just ended had to do with the same files: planning again");
  }
}

}  // namespace

int run_command(const std::vector<std::string>& arguments, RankSession* ranks) {
  auto options = read_run_options(arguments);
  if (!options) {
    std::FILE* const stream = options.error().code == 0 ? stdout : stderr;
    print_message(stream, options.error().text);
    return options.error().code;
  }
  if (!options->quiet_all)
    for (const std::string& note : options->notes) print_message(stderr, "furrow: " + note);
  options->typed = arguments;
  if (options->mode == Mode::kPrintOptions) return print(option_page());
  exit_when_interrupted();
  if (options->unlock) {
    return unlock(*options);
  }
  if (ranks && options->executor.is_cluster()) {
    return report_error(
        Error{"mpirun or srun has started several furrow processes, but a cluster is to run the jobs", "", 0,
              "Use only one of the two."});
  }
  if (auto possible = check_batch_nodes(options->executor); !possible) return report_error(possible.error());
  const os::Descriptor here(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int code = execute_again(*options, ranks, here);
  if (code == 0 && options->report_after_run && options->mode == Mode::kRun && !options->dry_run) {
    // The workflow is planned anew: the run has made files, and jobs behind checkpoints have turned up.
    options->mode = Mode::kReport;
    options->force = options->force_all = false;
    options->force_run.clear();
    code = execute_again(*options, ranks, here);
  }
  return code;
}

}  // namespace furrow::cli
