#include "os/process/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "os/process/end_notice.hpp"
#include "os/process/raw_call.hpp"
#include "os/process/spawn_child.hpp"
#include "os/process/spawn_context.hpp"

// ThreadSanitizer mistakes clone() for a fork and is confused by a child that shares our memory. The C
// library has the same function under another name, which ThreadSanitizer does not intercept.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define FURROW_SANITIZED
#endif
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

constexpr std::size_t kMostContexts = 128;
// For tools such as valgrind, which can follow a child in our memory only while we wait for it. Sanitizers
// cannot follow one that we do not wait for either.
constexpr const char* kWaitVariable = "FURROW_SPAWN_WAITS";
#if defined(FURROW_SANITIZED) || defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kCanGoOn = false;
#else
constexpr bool kCanGoOn = kCallsAreRaw;
#endif

std::vector<int> find_changed_signals(bool& has_handlers) {
  std::vector<int> changed;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_DFL) continue;
    has_handlers |= action.sa_handler != SIG_IGN;
    changed.push_back(signal);
  }
  // The program may start to ignore broken pipes later on.
  changed.push_back(SIGPIPE);
  return changed;
}

// Blocks all signals, since no handler of ours may run in the child, in our memory.
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

Spawner::Spawner() : waits_(!kCanGoOn || std::getenv(kWaitVariable) != nullptr) {
  const int null_fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  null_fd_ = ::fcntl(null_fd, F_DUPFD_CLOEXEC, 3);
  ::close(null_fd);
  // If SIGCHLD is ignored, which can be inherited, the kernel discards the exit status of every child.
  ::signal(SIGCHLD, SIG_DFL);
  changed_signals_ = find_changed_signals(has_handlers_);
  pid_ = ::getpid();
}

Spawner::~Spawner() { ::close(null_fd_); }

SpawnContext& Spawner::free_context() {
  for (const auto& context : contexts_) {
    if (context->is_free()) return *context;
  }
  contexts_.push_back(std::make_unique<SpawnContext>());
  return *contexts_.back();
}

// Whether so many children wait for a core before exec that we should wait too, not add another.
bool Spawner::is_crowded() const {
  const auto is_free = [](const auto& context) { return context->is_free(); };
  return contexts_.size() >= kMostContexts && std::none_of(contexts_.begin(), contexts_.end(), is_free);
}

tl::expected<Child, SpawnFailure> Spawner::clone(SpawnContext& context, const SpawnRequest& request,
                                                 int flags) {
  context.take(request, changed_signals_, null_fd_, pid_);
  flags |= CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD | (has_pidfds_ ? CLONE_PIDFD : 0);
  Child child;
  int code = 0;
  {
    const AllBlocked blocked(has_handlers_);
    child.pid = FURROW_CLONE(&spawn_child, context.stack_top(), flags, &context.args(), &child.pidfd, nullptr,
                             &context.tid());
    code = errno;
  }
  if (child.pid < 0) {
    context.tid() = 0;
    context.give_back();
    const bool may_lack_pidfds = has_pidfds_ && (code == EINVAL || code == EPERM || code == ENOSYS);
    if (!may_lack_pidfds) return tl::unexpected(SpawnFailure{code, SpawnFailure::Step::kClone});
    has_pidfds_ = false;
    return clone(context, request, flags & CLONE_VFORK);
  }
  // A kernel without pidfds ignores the flag.
  if (child.pidfd < 0) child.pidfd = notice_of_end(child.pid);
  if (child.pidfd >= 0) return child;
  code = errno;
  ::kill(child.pid, SIGKILL);
  wait_for(child.pid);
  context.tid() = 0;
  context.give_back();
  return tl::unexpected(SpawnFailure{code, SpawnFailure::Step::kClone});
}

tl::expected<Child, SpawnFailure> Spawner::spawn(const SpawnRequest& request) {
  SpawnContext& context = free_context();
  auto child = clone(context, request, CLONE_VFORK);
  if (!child) return child;
  const int code = context.args().code;
  context.tid() = 0;  // a tool that forks instead clears only the child's copy
  context.give_back();
  if (code == 0) return child;
  wait_for(child->pid);
  ::close(child->pidfd);
  return tl::unexpected(SpawnFailure{code, context.args().step});
}

tl::expected<Child, SpawnFailure> Spawner::start(const SpawnRequest& request) {
  if (waits_ || is_crowded()) return spawn(request);
  SpawnContext& context = free_context();
  auto child = clone(context, request, 0);
  if (!child && child.error().code == EINVAL) {  // some systems that pose as Linux lack these flags
    waits_ = true;
    return spawn(request);
  }
  if (!child) return child;
  // The child does the same. One of the two is first, so the group exists when we return.
  if (request.own_group) ::setpgid(child->pid, child->pid);
  child->context = &context;
  child->use = context.use();
  return child;
}

std::optional<SpawnFailure> Spawner::failure(const Child& child) {
  SpawnContext* const context = child.context;
  if (context == nullptr || !context->is_taken() || context->use() != child.use) return std::nullopt;
  const int code = context->args().code;
  context->give_back();
  if (code == 0) return std::nullopt;
  return SpawnFailure{code, context->args().step};
}

bool Spawner::shares_our_memory(const Child& child) {
  SpawnContext* const context = child.context;
  return context != nullptr && context->use() == child.use && context->tid() != 0;
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
    // All lower numbers are open by now, so open() gets this one.
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd) return;
  }
}

}  // namespace furrow::os
