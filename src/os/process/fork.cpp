#include "os/process/fork.hpp"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

#include "furrow/detail/thread_sanitizer.hpp"

namespace furrow::os {

namespace {

// How many threads the program itself has; 0 if the system does not say.
int thread_count() {
  DIR* const folder = ::opendir("/proc/self/task");
  if (!folder) return 0;
  // ThreadSanitizer runs a thread of its own in every process, also after a fork.
  int count = detail::thread_sanitizer_runs() ? -1 : 0;
  while (const dirent* each = ::readdir(folder)) count += each->d_name[0] != '.';
  ::closedir(folder);
  return count;
}

// Flushes all C streams only if no other thread runs: one that reads standard input, say, may hold the lock
// of its stream forever.
void flush_output(bool all) {
  std::cout.flush();
  std::clog.flush();
  ::fflush(all ? nullptr : stdout);
}

void do_nothing(int) {}

// The parent decides what an interrupt means. It is not ignored but handled, since programs that a task starts
// would inherit that they ignore it, while handlers end with exec. What the parent ignores stays ignored.
void disarm_interrupts() {
  struct sigaction action {};
  if (::sigaction(SIGINT, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) return;
  action = {};
  action.sa_handler = &do_nothing;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
}

void forget_handlers() {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0) continue;
    if (action.sa_handler == SIG_DFL || (action.sa_handler == SIG_IGN && signal != SIGCHLD)) continue;
    action = {};
    action.sa_handler = SIG_DFL;
    ::sigaction(signal, &action, nullptr);
  }
  disarm_interrupts();
}

}  // namespace

bool is_single_threaded() {
  constexpr int kTries = 40;
  for (int i = 0; i < kTries; ++i) {
    if (thread_count() <= 1) return true;
    const timespec moment{0, 500'000};
    ::nanosleep(&moment, nullptr);
  }
  return false;
}

bool is_single_threaded_now() { return thread_count() <= 1; }

Result<pid_t> fork_child(const std::function<int()>& main, bool alone) {
  flush_output(alone);
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = ::fork();
  if (child != 0) {
    const int code = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = code;
    if (child < 0) return fail(system_error("cannot fork a worker process"));
    return child;
  }
  forget_handlers();
  ::on_exit([](int status, void*) { ::_exit(status); }, nullptr);
  ::sigemptyset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  const int status = main();
  flush_output(alone);
  ::_exit(status);
}

void die_with(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);
}

int watch_parent(pid_t parent) {
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, parent, 0));
  if (::getppid() != parent) ::_exit(0);
  return fd;
}

std::optional<int> ended_status(pid_t child) {
  siginfo_t info{};
  int done;
  do done = ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
  while (done != 0 && errno == EINTR);
  if (done != 0) return 0x7f00;
  if (info.si_pid == 0) return std::nullopt;
  return info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
}

void wait_until_ended(pid_t child) {
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace furrow::os
