#include "cli/cpus_command.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "base/printable.hpp"
#include "cli/report_error.hpp"

namespace furrow::cli {

namespace {

constexpr const char* kHelp =
    "furrow cpus - how many processor cores can be used, and what limits them\n"
    "\n"
    "usage: furrow cpus\n"
    "\n"
    "  machine    all that are online\n"
    "  cpuset     what the control group (a container, a batch system) allows\n"
    "  affinity   where this process may run (taskset), within the cpuset\n"
    "  quota      processor seconds per second, of the control group and those around it\n"
    "  usable     what is left: the default number of workers of a Pool, and of cores of furrow run\n"
    "             (its --cores all takes the threads)\n";

std::string row(const std::string& name, const std::string& cores, const std::string& threads,
                const std::string& note) {
  std::string line = fmt::format("{:<9} {:>6} {:>8}   {}", name, cores, threads, note);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

std::string row(const std::string& name, const os::Cores& cores, const std::string& note = "") {
  return row(name, std::to_string(cores.physical), std::to_string(cores.logical), note);
}

const char* name_of(os::CoreLimit limit) {
  switch (limit) {
    case os::CoreLimit::kMachine:
      return "the machine";
    case os::CoreLimit::kCpuSet:
      return "the cpuset";
    case os::CoreLimit::kAffinity:
      return "the affinity";
    case os::CoreLimit::kQuota:
      return "the quota";
  }
  return "?";
}

std::string binding(const os::CoreFigures& figures) {
  if (figures.binding_physical == figures.binding_logical)
    return fmt::format("limited by {}", name_of(figures.binding_logical));
  return fmt::format("cores limited by {}, threads by {}", name_of(figures.binding_physical),
                     name_of(figures.binding_logical));
}

}  // namespace

std::string cpus_table(const os::CoreFigures& figures) {
  std::string table = row("", "cores", "threads", "");
  table += row("machine", figures.machine);
  table += figures.cpu_set
               ? row("cpuset", "", std::to_string(figures.cpu_set->threads.size()), figures.cpu_set->folder)
               : row("cpuset", "", "-", "none is set");
  table += row("affinity", figures.affinity);
  const std::string quota = figures.quota ? fmt::format("{:.2f}", figures.quota->cores) : "-";
  table += row("quota", quota, quota, figures.quota ? figures.quota->folder : "none is set");
  return table + row("usable", figures.usable, binding(figures));
}

int cpus_command(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") return std::fputs(kHelp, stdout) < 0;
    print_message(stderr, "furrow cpus: it takes no arguments, but got " + one_line(argument) +
                              "; see furrow cpus --help");
    return 2;
  }
  return std::fputs(cpus_table(os::measure_cores()).c_str(), stdout) < 0;
}

}  // namespace furrow::cli
