#include "os/process/slurm_rank.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "os/files/files.hpp"
#include "os/process/fork.hpp"

namespace furrow::os {

namespace {

// Names the rank that has a supervisor, for the processes that it starts.
constexpr const char* kMark = "FURROW_KEPT_RANK";
// Time for our message to reach srun, which stops reading once the step has ended.
constexpr useconds_t kTravel_us = 200'000;
constexpr int kMostWait_ms = 1000;
// How long to wait for ranks that were asked to end.
constexpr unsigned kPatience_s = 1;
// How long to wait for the step to end by itself after scancel has failed.
constexpr unsigned kDoubt_s = 3;

std::string variable(const char* name) {
  const char* const text = std::getenv(name);
  return text ? text : "";
}

Supervisor* supervisor = nullptr;  // of this process

struct Rank {
  std::string step, number, node;
};

bool is_one_of_several() {
  return !variable("SLURM_JOB_ID").empty() && !variable("SLURM_STEP_ID").empty() &&
         !variable("PMIX_RANK").empty() && variable("OMPI_COMM_WORLD_RANK").empty() &&
         std::atoi(variable("SLURM_STEP_NUM_TASKS").c_str()) > 1;
}

void say(const std::string& text) {
  const std::string line = "furrow: " + text + "\n";
  pollfd listener{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&listener, 1, kMostWait_ms) <= 0) return;  // a full pipe must not keep the step alive
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) {
    // Nobody reads standard error; there is nothing else to do.
  }
}

std::string what_happened(int status) {
  if (!WIFSIGNALED(status))
    return "ended with exit code " + std::to_string(WEXITSTATUS(status)) + " without finalizing MPI";
  return "died by signal " + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")";
}

// Whether Slurm's controller was asked to end the step. It must be the controller: by default scancel asks
// one node after the other, and is itself killed on this one before it reaches them all.
bool scancel(const std::string& step) {
  const pid_t child = ::fork();
  if (child == 0) {
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    ::dup2(STDOUT_FILENO, STDERR_FILENO);
    ::execlp("scancel", "scancel", "--ctld", "--signal=KILL", step.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

void end_step(const Rank& rank, const Supervisor::Death& death) {
  if (death.was_asked) {
    ::sleep(kPatience_s);
  } else {
    // Without delay: if Slurm learns of the death through PMIx, it kills the step, this process included,
    // within milliseconds.
    say("rank " + rank.number + " on " + rank.node + " " + what_happened(death.status) + ": job step " +
        rank.step + " is ended, because the other ranks would wait for it forever");
    ::usleep(kTravel_us);
  }
  if (scancel(rank.step)) return;
  ::sleep(kDoubt_s);
  if (death.was_asked) return;
  say("job step " + rank.step + " could not be ended by scancel: is it on PATH on " + rank.node +
      "? End it with: scancel " + rank.step + "\n  srun --kill-on-bad-exit=1 works without scancel.");
}

pid_t slurm_above() {
  const pid_t parent = ::getppid();
  const auto name = read_file("/proc/" + std::to_string(parent) + "/comm");
  return name && *name == "slurmstepd\n" ? parent : 0;
}

}  // namespace

Supervisor* supervise_slurm_rank() {
  if (supervisor != nullptr || !is_one_of_several()) return supervisor;
  const Rank rank{variable("SLURM_JOB_ID") + "." + variable("SLURM_STEP_ID"), variable("PMIX_RANK"),
                  variable("SLURMD_NODENAME")};
  const std::string mark = rank.step + "." + rank.number;
  if (variable(kMark) == mark) return nullptr;
  supervisor = Supervisor::start({.on_death = [&](const Supervisor::Death& death) { end_step(rank, death); },
                                  .ends_with = slurm_above()});
  ::setenv(kMark, mark.c_str(), 1);  // also without a supervisor: what a rank starts is not a rank
  return supervisor;
}

bool lacks_supervisor() {
  return supervisor == nullptr && is_one_of_several() && variable("SLURM_KILL_BAD_EXIT") != "1";
}

}  // namespace furrow::os
