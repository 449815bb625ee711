#include <cstdio>
#include <string>
#include <tuple>
#include <vector>

#include "base/log.hpp"
#include "base/printable.hpp"
#include "base/strings.hpp"
#include "cli/batch/batch_command.hpp"
#include "cli/cpus_command.hpp"
#include "cli/export/export_command.hpp"
#include "cli/map/map_command.hpp"
#include "cli/rank_session.hpp"
#include "cli/report/report_command.hpp"
#include "cli/report_error.hpp"
#include "cli/run/run_command.hpp"
#include "cli/watch/watch_command.hpp"
#include "os/process/process.hpp"

namespace {

constexpr const char* kHelp =
    "furrow - run one job over many inputs, in parallel and reproducibly\n"
    "\n"
    "usage: furrow COMMAND [ARGUMENTS]\n"
    "\n"
    "  furrow run [TARGET...]                run a workflow: a Snakefile\n"
    "  furrow map COMMAND... [::: VALUE...]  run a command for each input\n"
    "  furrow watch [DIR]                    show what the run in a folder does at this moment\n"
    "  furrow report [DIR]                   show what ran in a folder, when, and for how long\n"
    "  furrow export --ro-crate CRATE [DIR]  give what ran in a folder to other programs, as an RO-Crate\n"
    "  furrow cpus                           print how many cores can be used, and what limits them\n"
    "  furrow --version                      print the version\n"
    "  furrow COMMAND --help                 print help for a command\n";

int unknown(const std::string& command) {
  const std::string near =
      furrow::nearest(command, {"run", "map", "report", "export", "watch", "cpus", "--version", "--help"});
  furrow::cli::print_message(stderr,
                             "furrow: there is no command " + furrow::one_line(command) +
                                 (near.empty() ? "; see furrow --help" : "\n  Did you mean " + near + "?"));
  return 2;
}

// The version of the language, for programs that ask a `snakemake`; as in the Python modules of the evaluator.
constexpr const char* kLanguageVersion = "9.25.0";

using Arguments = std::vector<std::string>;
using RankSession = furrow::cli::RankSession;
using CommandFunction = int (*)(const Arguments& arguments, RankSession* ranks);
constexpr std::tuple<const char*, CommandFunction, int> kWithJobs[] = {
    {"run", furrow::cli::run_command, 2},
    {"map", furrow::cli::map_command, 255},
    {"batch", furrow::cli::batch_command, 1}};

// If an MPI launcher has started several processes, rank 0 runs the command and the other ranks serve it.
int on_all_ranks(CommandFunction execute, const Arguments& arguments, int mistake) {
  const auto ranks = RankSession::join(FURROW_VERSION);
  if (!ranks) {
    furrow::cli::report_error(ranks.error());
    return mistake;
  }
  if (!*ranks) return execute(arguments, nullptr);
  if (!(*ranks)->is_root()) return (*ranks)->serve();
  const int code = execute(arguments, ranks->get());
  (*ranks)->shut_down();
  return code;
}

// Started under the name snakemake: by a link to this program, for tools that start Snakemake.
bool is_named_snakemake(const char* program) {
  const std::string_view path(program);
  return path.substr(path.rfind('/') + 1) == "snakemake";
}

int run_as_snakemake(const Arguments& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    if (argument == "--version" || argument == "-v") return std::puts(kLanguageVersion) < 0;
  }
  return on_all_ranks(furrow::cli::run_command, arguments, 2);
}

}  // namespace

int main(int argc, char** argv) {
  furrow::os::ensure_standard_descriptors();
  const std::vector<std::string> arguments(argv + (argc > 0), argv + argc);
  if (argc > 0 && is_named_snakemake(argv[0])) return run_as_snakemake(arguments);
  if (arguments.empty()) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  FURROW_LOG(command, info, "furrow " FURROW_VERSION " {}", furrow::join(arguments, " "));
  const std::string& command = arguments.front();
  for (const auto& [name, execute, mistake] : kWithJobs) {
    if (command == name) return on_all_ranks(execute, {arguments.begin() + 1, arguments.end()}, mistake);
  }
  if (command == "report") return furrow::cli::report_command({arguments.begin() + 1, arguments.end()});
  if (command == "export") return furrow::cli::export_command({arguments.begin() + 1, arguments.end()});
  if (command == "watch") return furrow::cli::watch_command({arguments.begin() + 1, arguments.end()});
  if (command == "cpus") return furrow::cli::cpus_command({arguments.begin() + 1, arguments.end()});
  if (command == "--version" || command == "-V") return std::puts("furrow " FURROW_VERSION) < 0;
  if (command == "--help" || command == "-h" || command == "help") return std::fputs(kHelp, stdout) < 0;
  return unknown(command);
}
