#include "os/process/end_notice.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace furrow::os {

namespace {

// Closing its end of the pipe makes the other end readable.
void wait_and_close(int pid, int write_end) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  ::close(write_end);
}

}  // namespace

int notice_of_end(int pid) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = 0;
  try {
    std::thread(wait_and_close, pid, ends[1]).detach();
  } catch (const std::system_error& error) {
    code = error.code().value();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (code == 0) return ends[0];
  ::close(ends[0]);
  ::close(ends[1]);
  errno = code;
  return -1;
}

}  // namespace furrow::os
