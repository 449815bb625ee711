#include "os/process/supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "os/files/close_all.hpp"
#include "os/process/fork.hpp"

namespace furrow::os {

namespace {

constexpr int kAsk_ms = 200;  // how often to look whether the launcher lives, if the kernel cannot tell us

// Closes all that the program holds open, so that nobody waits for the supervisor to close it.
void become_supervisor(const char* name) {
  ::prctl(PR_SET_NAME, name);
  ::signal(SIGCHLD, SIG_DFL);  // if it is ignored, the kernel discards the exit status
  const int null_fd = ::open("/dev/null", O_RDWR);
  ::dup2(null_fd, STDIN_FILENO);
  ::dup2(null_fd, STDOUT_FILENO);
  close_all_but({});
}

bool has_ended(pid_t child, int& status) {
  pid_t ended;
  do ended = ::waitpid(child, &status, WNOHANG);
  while (ended < 0 && errno == EINTR);
  return ended != 0;
}

bool asks_to_end(std::uint32_t signal) {
  return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
}

[[noreturn]] void end_as(int status) {
  if (WIFEXITED(status)) ::_exit(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::signal(signal, SIG_DFL);
  ::kill(::getpid(), signal);
  sigset_t own;
  ::sigemptyset(&own);
  ::sigaddset(&own, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &own, nullptr);
  ::_exit(128 + signal);
}

class Watch {
 public:
  Watch(pid_t program, pid_t ends_with) : program_(program), ends_with_(ends_with) {
    sigset_t all;
    ::sigfillset(&all);
    signals_ = ::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (ends_with_ > 0) end_of_launcher_ = static_cast<int>(::syscall(SYS_pidfd_open, ends_with_, 0));
  }

  Supervisor::Death wait() {
    Supervisor::Death death;
    while (!has_ended(program_, death.status)) {
      pollfd watched[2] = {{signals_, POLLIN, 0}, {end_of_launcher_, POLLIN, 0}};
      const bool must_ask = ends_with_ > 0 && end_of_launcher_ < 0;
      ::poll(watched, 2, must_ask ? kAsk_ms : -1);
      const bool is_alone = must_ask && ::kill(ends_with_, 0) != 0 && errno == ESRCH;
      if (is_alone || (watched[1].revents & POLLIN) != 0) ::_exit(1);  // the kernel then kills the program
      death.was_asked |= pass_on_signals();
    }
    death.was_asked |= pass_on_signals();
    return death;
  }

 private:
  // True if one of the signals asks us to end.
  bool pass_on_signals() {
    bool was_asked = false;
    signalfd_siginfo info;
    while (::read(signals_, &info, sizeof info) == sizeof info) {
      was_asked |= asks_to_end(info.ssi_signo);
      const bool is_for_both = info.ssi_code > 0 || static_cast<pid_t>(info.ssi_pid) == ends_with_;
      if (info.ssi_signo != SIGCHLD && !is_for_both) ::kill(program_, static_cast<int>(info.ssi_signo));
    }
    return was_asked;
  }

  const pid_t program_, ends_with_;
  int signals_ = -1, end_of_launcher_ = -1;
};

}  // namespace

Supervisor* Supervisor::start(const Options& options) {
  void* const memory =
      ::mmap(nullptr, sizeof(Supervisor), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int verdict[2];
  if (memory == MAP_FAILED || ::pipe2(verdict, O_CLOEXEC) != 0) return nullptr;
  auto* const supervisor = new (memory) Supervisor();
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t self = ::getpid();
  const pid_t program = ::fork();
  if (program == 0) {
    ::close(verdict[1]);
    char byte = 0;
    if (::read(verdict[0], &byte, 1) != 1) ::_exit(0);
    ::close(verdict[0]);
    die_with(self);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return supervisor;
  }
  // Checked only after the fork, because libraries that handle forks have ended their threads for it.
  if (program > 0 && is_single_threaded() && ::write(verdict[1], "", 1) == 1) {
    become_supervisor(options.name);
    const Death death = Watch(program, options.ends_with).wait();
    const Stage stage = supervisor->stage();
    if (stage == Stage::kNeeded || (stage == Stage::kLeaving && WIFSIGNALED(death.status)))
      options.on_death(death);
    end_as(death.status);
  }
  ::close(verdict[0]);
  ::close(verdict[1]);
  if (program > 0) wait_until_ended(program);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::munmap(memory, sizeof(Supervisor));
  return nullptr;
}

}  // namespace furrow::os
