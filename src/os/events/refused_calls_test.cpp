// In a sandbox that refuses epoll, signalfd and eventfd, events arrive by slower ways.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <iterator>

#include "os/events/event_loop.hpp"
#include "os/events/notifier.hpp"
#include "os/events/signals.hpp"

namespace furrow::os {
namespace {

bool refuse(long number, int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog whole{static_cast<unsigned short>(std::size(program)), program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) == 0;
}

constexpr int kRight = 0, kWrong = 1, kNoSandbox = 77;

int use_events(int error) {
  for (const long each : {SYS_epoll_create1, SYS_signalfd4, SYS_eventfd2})
    if (!refuse(each, error)) return kNoSandbox;
  EventLoop loop;
  int signals = 0, notified = 0;
  const SignalWatch watch(loop, {SIGTERM}, [&](int signal) { signals += signal == SIGTERM; });
  const Result<Notifier> notifier = Notifier::create();
  if (!notifier) return kWrong;
  loop.watch(notifier->descriptor(), EPOLLIN, [&](std::uint32_t) {
    notifier->clear();
    ++notified;
  });
  notifier->notify();
  notifier->notify();
  ::kill(::getpid(), SIGTERM);
  for (int i = 0; i < 50 && (signals == 0 || notified == 0); ++i) loop.run_once(1);
  loop.forget(notifier->descriptor());
  notifier->notify();
  loop.run_once(0);
  return signals == 1 && notified == 1 ? kRight : kWrong;
}

TEST(RefusedCalls, AreReplacedByOthers) {
  for (const int error : {EPERM, ENOSYS}) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);
      ::_exit(use_events(error));
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == kNoSandbox) GTEST_SKIP() << "no seccomp here";
    EXPECT_EQ(status, 0) << error;
  }
}

}  // namespace
}  // namespace furrow::os
