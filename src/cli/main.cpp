#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <tuple>
#include <vector>

#include "base/strings.hpp"
#include "cli/batch/batch_command.hpp"
#include "cli/cpus_command.hpp"
#include "cli/map/map_command.hpp"
#include "cli/ranks.hpp"
#include "cli/run/run_command.hpp"
#include "cli/tell.hpp"

namespace {

constexpr const char* kHelp =
    "furrow - run one job over many inputs, in parallel and reproducibly\n"
    "\n"
    "usage: furrow COMMAND [ARGUMENTS]\n"
    "\n"
    "  furrow run [TARGET...]                carry out a workflow: a Snakefile\n"
    "  furrow map COMMAND... [::: VALUE...]  run a command for each input\n"
    "  furrow cpus                           print how many cores there are to use, and why not more\n"
    "  furrow --version                      print the version\n"
    "  furrow COMMAND --help                 say more about a command\n";

int unknown(const std::string& command) {
  const std::string near = furrow::nearest(command, {"run", "map", "cpus", "--version", "--help"});
  std::fprintf(stderr, "furrow: there is no command %s%s\n", command.c_str(),
               near.empty() ? "; see furrow --help" : ("\n  Did you mean " + near + "?").c_str());
  return 2;
}

// Whoever starts us with a standard stream closed would have it taken by the next file that is opened.
void open_standard_streams() {
  int fd;
  do fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= 2);
  if (fd > 2) ::close(fd);
}

using Arguments = std::vector<std::string>;
using Ranks = furrow::cli::Ranks;
using CarryOut = int (*)(const Arguments& arguments, Ranks* ranks);
constexpr std::tuple<const char*, CarryOut, int> kWithJobs[] = {{"run", furrow::cli::run_command, 2},
                                                                {"map", furrow::cli::map_command, 255},
                                                                {"batch", furrow::cli::batch_command, 1}};

// Started several times by an MPI launcher, the command is carried out by the first, and the others serve it.
int on_all_ranks(CarryOut carry_out, const Arguments& arguments, int mistake) {
  const auto ranks = Ranks::join(FURROW_VERSION);
  if (!ranks) {
    furrow::cli::tell(ranks.error());
    return mistake;
  }
  if (!*ranks) return carry_out(arguments, nullptr);
  if (!(*ranks)->is_root()) return (*ranks)->serve();
  const int code = carry_out(arguments, ranks->get());
  (*ranks)->leave();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  const std::vector<std::string> arguments(argv + (argc > 0), argv + argc);
  if (arguments.empty()) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  const std::string& command = arguments.front();
  for (const auto& [name, carry_out, mistake] : kWithJobs) {
    if (command == name) return on_all_ranks(carry_out, {arguments.begin() + 1, arguments.end()}, mistake);
  }
  if (command == "cpus") return furrow::cli::cpus_command({arguments.begin() + 1, arguments.end()});
  if (command == "--version" || command == "-V") return std::puts("furrow " FURROW_VERSION) < 0;
  if (command == "--help" || command == "-h" || command == "help") return std::fputs(kHelp, stdout) < 0;
  return unknown(command);
}
