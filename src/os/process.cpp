#include "os/process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <new>

// ThreadSanitizer takes clone() for a fork, and gets confused by a child that shares our memory. The C
// library has the same function under another name, which it leaves alone.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
extern "C" int __clone(int (*main)(void*), void* stack, int flags, void* argument, ...) noexcept;
#define FURROW_CLONE ::__clone
#endif
#endif
#ifndef FURROW_CLONE
#define FURROW_CLONE ::clone
#endif

namespace furrow::os {

namespace {

constexpr std::size_t kStackBytes = 64 * 1024;

// What the child needs, and where it leaves what went wrong: on the parent's stack, which both share until
// exec.
struct Order {
  const SpawnRequest& request;
  const std::vector<int>& changed_signals;
  int null_fd;
  int parent;
  int code = 0;
  SpawnFailure::Step step = SpawnFailure::Step::kExec;
};

// dup2, also where the descriptor has its place already and only close-on-exec is in the way.
__attribute__((no_sanitize("address", "undefined", "thread"))) bool place(int fd, int target) {
  if (fd < 0) return true;
  if (fd == target) return ::fcntl(fd, F_SETFD, 0) == 0;
  return ::dup2(fd, target) == target;
}

__attribute__((no_sanitize("address", "undefined", "thread"))) void reset_signals(
    const std::vector<int>& changed) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (const int signal : changed) ::sigaction(signal, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Runs in the child, in the parent's memory: system calls only.
__attribute__((no_sanitize("address", "undefined", "thread"))) int child_main(void* argument) {
  Order& order = *static_cast<Order*>(argument);
  const SpawnRequest& request = order.request;
  if (request.die_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != order.parent) ::_exit(127);  // it was too late for the signal
  }
  if (request.own_group) ::setpgid(0, 0);
  if (request.slot != nullptr) request.slot->store(::getpid(), std::memory_order_seq_cst);
  if (request.directory != nullptr && ::chdir(request.directory) != 0) {
    order.code = errno;
    order.step = SpawnFailure::Step::kDirectory;
    ::_exit(127);
  }
  bool placed = place(request.in_fd < 0 ? order.null_fd : request.in_fd, 0);
  placed = placed && place(request.out_fd, 1) && place(request.err_fd, 2);
  for (const int fd : request.inherited) placed = placed && place(fd, fd);
  if (request.descriptors != nullptr) ::setrlimit(RLIMIT_NOFILE, request.descriptors);
  if (request.nice != nullptr) ::setpriority(PRIO_PROCESS, 0, *request.nice);
  if (placed) {
    reset_signals(order.changed_signals);
    ::execve(request.path, request.argv, request.envp);
  }
  order.code = errno;
  ::_exit(127);
}

std::vector<int> find_changed_signals(bool& has_handlers) {
  std::vector<int> changed;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_DFL) continue;
    has_handlers |= action.sa_handler != SIG_IGN;
    changed.push_back(signal);
  }
  // Whoever ignores broken pipes may do so after this.
  changed.push_back(SIGPIPE);
  return changed;
}

// No handler of ours may run in the child, in our memory.
class AllBlocked {
 public:
  explicit AllBlocked(bool is_wanted) : is_wanted_(is_wanted) {
    sigset_t all;
    ::sigfillset(&all);
    if (is_wanted_) ::sigprocmask(SIG_SETMASK, &all, &before_);
  }
  ~AllBlocked() {
    if (is_wanted_) ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  AllBlocked(const AllBlocked&) = delete;
  AllBlocked& operator=(const AllBlocked&) = delete;

 private:
  const bool is_wanted_;
  sigset_t before_{};
};

double seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

Ended ended(int raw_status, const rusage& usage) {
  return {raw_status,      seconds(usage.ru_utime), seconds(usage.ru_stime),
          usage.ru_maxrss, usage.ru_inblock,        usage.ru_oublock};
}

}  // namespace

Spawner::Spawner() {
  void* const stack =
      ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) throw std::bad_alloc();
  stack_ = static_cast<char*>(stack);
  const int null_fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  null_fd_ = ::fcntl(null_fd, F_DUPFD_CLOEXEC, 3);
  ::close(null_fd);
  // An ignored SIGCHLD, which can be inherited, would take the exit status of every child.
  ::signal(SIGCHLD, SIG_DFL);
  changed_signals_ = find_changed_signals(has_handlers_);
  pid_ = ::getpid();
}

Spawner::~Spawner() {
  ::munmap(stack_, kStackBytes);
  ::close(null_fd_);
}

tl::expected<Child, SpawnFailure> Spawner::spawn(const SpawnRequest& request) {
  Order order{request, changed_signals_, null_fd_, pid_};
  Child child;
  constexpr int kFlags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
  int clone_code = 0;
  {
    const AllBlocked blocked(has_handlers_);
    child.pid = FURROW_CLONE(&child_main, stack_ + kStackBytes, kFlags, &order, &child.pidfd);
    clone_code = errno;
  }
  if (child.pid < 0) return tl::unexpected(SpawnFailure{clone_code, SpawnFailure::Step::kClone});
  if (order.code == 0 && child.pidfd >= 0) return child;
  // A kernel without pidfds ignores the flag; nothing would tell of the child's end.
  if (order.code == 0) ::kill(child.pid, SIGKILL);
  wait_for(child.pid);
  if (child.pidfd >= 0) ::close(child.pidfd);
  if (order.code == 0) return tl::unexpected(SpawnFailure{ENOSYS, SpawnFailure::Step::kClone});
  return tl::unexpected(SpawnFailure{order.code, order.step});
}

std::int64_t own_peak_kb() {
  rusage self{};
  ::getrusage(RUSAGE_SELF, &self);
  return self.ru_maxrss;
}

std::optional<int> peek_status(int pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != pid)
    return std::nullopt;
  if (info.si_code == CLD_EXITED) return (info.si_status & 0xff) << 8;
  return info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

std::optional<Ended> reap(int pid) {
  int status = 0;
  rusage usage{};
  if (::wait4(pid, &status, WNOHANG, &usage) != pid) return std::nullopt;
  return ended(status, usage);
}

Ended wait_for(int pid) {
  int status = 0;
  rusage usage{};
  while (::wait4(pid, &status, 0, &usage) < 0) {
    if (errno != EINTR) return {};
  }
  return ended(status, usage);
}

int exit_code(int raw_status) { return WIFEXITED(raw_status) ? WEXITSTATUS(raw_status) : -1; }

int exit_signal(int raw_status) { return WIFSIGNALED(raw_status) ? WTERMSIG(raw_status) : 0; }

std::optional<std::string> find_program(std::string_view name, std::string_view path) {
  if (name.empty()) return std::nullopt;
  if (name.find('/') != std::string_view::npos) return std::string(name);
  std::string file;
  for (;;) {
    const std::size_t end = path.find(':');
    file.assign(path.substr(0, end));
    file.append(file.empty() ? "./" : "/").append(name);
    struct stat info;
    if (::access(file.c_str(), X_OK) == 0 && ::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode))
      return file;
    if (end == std::string_view::npos) return std::nullopt;
    path.remove_prefix(end + 1);
  }
}

void ensure_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    // The lowest free number is the missing one, since all below it are open by now.
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd) return;
  }
}

}  // namespace furrow::os
