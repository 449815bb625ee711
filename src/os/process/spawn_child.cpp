#include "os/process/spawn_child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cstdint>

#include "os/process/raw_call.hpp"

#define FURROW_UNINSTRUMENTED __attribute__((no_sanitize("address", "undefined", "thread")))

namespace furrow::os {

namespace {

[[noreturn]] FURROW_UNINSTRUMENTED void exit_child() {
  for (;;) raw_call(SYS_exit_group, 127);
}

[[noreturn]] FURROW_UNINSTRUMENTED void give_up(SpawnArgs& args, long result, SpawnFailure::Step step) {
  args.step = step;
  args.code.store(static_cast<int>(-result), std::memory_order_release);
  exit_child();
}

// dup2, which also clears close-on-exec if the descriptor has the right number already.
FURROW_UNINSTRUMENTED long place(int fd, int target) {
  if (fd < 0) return 0;
  return fd == target ? raw_call(SYS_fcntl, fd, F_SETFD, 0) : raw_call(SYS_dup3, fd, target, 0);
}

FURROW_UNINSTRUMENTED void reset_signals(const std::vector<int>& changed) {
  constexpr long kSetBytes = 8;
  const std::uint64_t usual[4] = {};  // the kernel's own struct sigaction: SIG_DFL, no flags, no mask
  for (const int signal : changed) raw_call(SYS_rt_sigaction, signal, &usual, 0, kSetBytes);
  raw_call(SYS_rt_sigprocmask, SIG_SETMASK, &usual, 0, kSetBytes);
}

FURROW_UNINSTRUMENTED long place_all(const SpawnArgs& args) {
  const SpawnRequest& request = args.request;
  long result = place(request.in_fd < 0 ? args.null_fd : request.in_fd, 0);
  if (result >= 0) result = place(request.out_fd, 1);
  if (result >= 0) result = place(request.err_fd, 2);
  for (const int fd : request.inherited) {
    if (result >= 0) result = place(fd, fd);
  }
  return result;
}

}  // namespace

FURROW_UNINSTRUMENTED int spawn_child(void* argument) {
  SpawnArgs& args = *static_cast<SpawnArgs*>(argument);
  const SpawnRequest& request = args.request;
  if (request.die_with_parent) {
    raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
    if (raw_call(SYS_getppid) != args.parent) exit_child();  // the parent died before the prctl
  }
  if (request.own_group) raw_call(SYS_setpgid, 0, 0);
  if (request.slot != nullptr)
    request.slot->store(static_cast<std::int32_t>(raw_call(SYS_getpid)), std::memory_order_seq_cst);
  if (request.directory != nullptr) {
    const long result = raw_call(SYS_chdir, request.directory);
    if (result < 0) give_up(args, result, SpawnFailure::Step::kDirectory);
  }
  const long placed = place_all(args);
  if (placed < 0) give_up(args, placed, SpawnFailure::Step::kExec);
  if (request.descriptors != nullptr) raw_call(SYS_prlimit64, 0, RLIMIT_NOFILE, request.descriptors, 0);
  if (request.nice != nullptr) raw_call(SYS_setpriority, PRIO_PROCESS, 0, *request.nice);
  reset_signals(args.changed_signals);
  give_up(args, raw_call(SYS_execve, request.path, request.argv, request.envp), SpawnFailure::Step::kExec);
}

}  // namespace furrow::os
