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

constexpr const char* kMark = "FURROW_KEPT_RANK";  // which rank has a keeper, for those that it starts
// Until what we say has come to srun, which does not read on once the step has ended.
constexpr useconds_t kTravel_us = 200'000;
constexpr int kMostWait_ms = 1000;
// With ranks that were asked to end, and have not yet.
constexpr unsigned kPatience_s = 1;
// With a step that ends while scancel has failed.
constexpr unsigned kDoubt_s = 3;

std::string variable(const char* name) {
  const char* const text = std::getenv(name);
  return text ? text : "";
}

Keeper* keeper = nullptr;  // of this process

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
    // Nobody listens.
  }
}

std::string what_happened(int status) {
  if (!WIFSIGNALED(status))
    return "ended with exit code " + std::to_string(WEXITSTATUS(status)) + " without finalizing MPI";
  return "died by signal " + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")";
}

// Whether Slurm's controller was told to. It must be that: left to itself, scancel speaks to one node after
// the other, and has ended itself on this one before it has come to all.
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

void end_step(const Rank& rank, const Keeper::Death& death) {
  if (death.was_asked) {
    ::sleep(kPatience_s);
  } else {
    // At once: where Slurm learns of it by PMIx, it kills the step itself, and us with it, within
    // milliseconds.
    say("rank " + rank.number + " on " + rank.node + " " + what_happened(death.status) + ": job step " +
        rank.step + " is ended, or the other ranks would wait for it for ever");
    ::usleep(kTravel_us);
  }
  if (scancel(rank.step)) return;
  ::sleep(kDoubt_s);
  if (death.was_asked) return;
  say("job step " + rank.step + " could not be ended by scancel: is it on PATH on " + rank.node +
      "? End it with: scancel " + rank.step + "\n  srun --kill-on-bad-exit=1 does without scancel.");
}

pid_t slurm_above() {
  const pid_t parent = ::getppid();
  const auto name = read_file("/proc/" + std::to_string(parent) + "/comm");
  return name && *name == "slurmstepd\n" ? parent : 0;
}

}  // namespace

Keeper* keep_slurm_rank() {
  if (keeper != nullptr || !is_one_of_several()) return keeper;
  const Rank rank{variable("SLURM_JOB_ID") + "." + variable("SLURM_STEP_ID"), variable("PMIX_RANK"),
                  variable("SLURMD_NODENAME")};
  const std::string mark = rank.step + "." + rank.number;
  if (variable(kMark) == mark) return nullptr;
  keeper = Keeper::leave(
      {.on_death = [&](const Keeper::Death& death) { end_step(rank, death); }, .ends_with = slurm_above()});
  ::setenv(kMark, mark.c_str(), 1);  // where there can be none, too: what a rank starts is no rank
  return keeper;
}

bool lacks_keeper() {
  return keeper == nullptr && is_one_of_several() && variable("SLURM_KILL_BAD_EXIT") != "1";
}

}  // namespace furrow::os
