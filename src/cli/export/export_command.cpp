#include "cli/export/export_command.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <thread>

#include "base/printable.hpp"
#include "base/strings.hpp"
#include "cli/report_error.hpp"
#include "os/events/clock.hpp"
#include "os/events/signals.hpp"
#include "os/files/files.hpp"
#include "report/crate/crate.hpp"

namespace furrow::cli {

namespace {

constexpr const char* kHelp =
    "furrow export - give what ran in a folder to other programs\n"
    "\n"
    "usage: furrow export --ro-crate CRATE [OPTIONS] [DIR]\n"
    "\n"
    "DIR is the folder in which furrow run has worked (default: this one). Its store is read, but not\n"
    "changed: a run that goes on is not disturbed, and neither Python nor a network is needed.\n"
    "\n"
    "  --ro-crate CRATE   make the folder CRATE: an RO-Crate (Provenance Run Crate) of the workflow and its\n"
    "                     jobs with files, checksums, params, software, times, and who ran them where\n"
    "  --slim             leave the data out: the crate has its checksums, and the files of the workflow\n"
    "  --run RUN          one run alone: the beginning of its id (default: all that is known)\n"
    "  --license LICENSE  the license of the crate: an address, or a text\n"
    "  -h,--help          print this help\n";

// More threads do not make a disk faster.
constexpr unsigned kMostThreads = 8;

struct ExportArgs {
  std::string directory = ".", crate, run, license;
  bool is_slim = false, is_help = false;
};

volatile sig_atomic_t stopped_by = 0;

// What is half made is removed.
void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int signal) { stopped_by = signal; };
  for (const int signal : os::not_ignored({SIGINT, SIGTERM, SIGHUP})) ::sigaction(signal, &action, nullptr);
}

// The mistake, or nothing.
std::string parse(const std::vector<std::string>& arguments, ExportArgs& args) {
  CLI::App app;
  app.set_help_flag();
  app.add_flag("-h,--help", args.is_help);
  app.add_option("dir", args.directory);
  app.add_option("--ro-crate", args.crate);
  app.add_flag("--slim", args.is_slim);
  app.add_option("--run", args.run);
  app.add_option("--license", args.license);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::Error& error) {
    return error.what();
  }
  return args.crate.empty() && !args.is_help ? "--ro-crate CRATE is missing: the folder to make" : "";
}

void say(const std::string& text) { print_message(stderr, "furrow: " + text); }

void report_crate(const std::string& crate, const report::CrateSummary& made) {
  say(fmt::format("{} has {} of {}, and {}, {:.1f} MB", crate, count_of(made.jobs, "job"),
                  count_of(made.runs, "run"), count_of(made.included, "file"),
                  static_cast<double>(made.bytes) / 1e6));
  std::vector<std::string> missing;
  const auto note = [&](std::size_t files, const char* what) {
    if (files > 0) missing.push_back(fmt::format("{} {}", files, what));
  };
  note(made.left_out, "left out");
  note(made.gone, "no longer there");
  note(made.changed, "changed since");
  note(made.unreadable, "not readable");
  note(made.skipped, "in folders that are links to folders or no regular files");
  if (!missing.empty()) say("note: not all files are included: " + join(missing, ", "));
  if (made.running > 0) say("note: " + count_of(made.running, "job") + " of a run that goes on left out");
  for (const std::string& source : made.new_sources)
    say("warning: " + source + " has changed since the run; the crate has it as it is now");
  if (!made.unset_variables.empty())
    say("warning: commands and params are left out, since they may hold the value of a variable that the "
        "workflow names in envvars, and that is not set: " +
        join(made.unset_variables, ", "));
}

report::CrateOptions options_of(const ExportArgs& args) {
  report::CrateOptions options;
  options.folder = os::absolute(args.directory);
  while (options.folder.size() > 1 && options.folder.back() == '/') options.folder.pop_back();
  options.target = args.crate;
  options.run = args.run;
  options.license = args.license;
  options.made_at = os::wall_seconds();
  options.is_slim = args.is_slim;
  options.threads = std::clamp(std::thread::hardware_concurrency(), 1u, kMostThreads);
  options.stops = [] { return stopped_by != 0; };
  return options;
}

}  // namespace

int export_command(const std::vector<std::string>& arguments) {
  ExportArgs args;
  if (const std::string mistake = parse(arguments, args); !mistake.empty()) {
    print_message(stderr, "furrow export: " + one_line(mistake) + "; see furrow export --help");
    return 2;
  }
  if (args.is_help) return std::fputs(kHelp, stdout) < 0;
  stop_on_signals();
  const auto made = report::write_crate(options_of(args));
  if (!made) {
    if (stopped_by == 0) return report_error(made.error());
    say("stopped by a signal; " + args.crate + " was not made");
    return 128 + stopped_by;
  }
  report_crate(args.crate, *made);
  if (made->damaged == 0) return 0;
  return report_error(Error{count_of(made->damaged, "record") + " of the store " + args.directory +
                                "/.furrow " + (made->damaged == 1 ? "is" : "are") +
                                " damaged and not in the crate",
                            "", 0, "The next furrow run makes what they were about again."});
}

}  // namespace furrow::cli
