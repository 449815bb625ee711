// The shell in which the jobs of a `furrow map` run: the one whose language the user has written the command
// in, whatever SHELL says.
//
// --shell and PARALLEL_SHELL name it. Otherwise it is the nearest process above this one that is a shell, as
// in GNU parallel; make, sudo, env and the like may stand between. Where there is none (cron, systemd, a
// container without /proc), it is SHELL, or /bin/sh.
#pragma once

#include <string>

#include "base/error.hpp"
#include "cli/map/map_command_options.hpp"
#include "command/template/quote.hpp"
#include "os/process/ancestors.hpp"

namespace furrow::cli {

struct JobShell {
  std::string path = "/bin/sh";
  // Why this one, for people: "--shell".
  std::string reason{};
  command::QuoteStyle quotes = command::QuoteStyle::kPosix;

  // A line that names it.
  std::string line() const;
};

JobShell job_shell(const MapCommandOptions& options);

// The shell that a process runs, as a name or path to execute; empty: it is no shell.
std::string shell_of(const os::Ancestor& process);

// Whether SHELL takes `&>` for "run in the background", as dash does: the job would succeed at once, and its
// output would be lost. Runs the shell to learn it, unless its name says enough.
bool runs_in_background(const std::string& shell);
// The error for a command with `&>` in such a shell.
Error background_error(const std::string& shell);

}  // namespace furrow::cli
