#include "os/files/close_all.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "support/refused_calls.hpp"

namespace furrow::os {
namespace {

// In a child in which CALL fails with CODE (0: it works), closes all but one descriptor.
bool closes_all_but_one(long call, int code) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (code != 0 && !refuse_call(call, code)) ::_exit(2);
    const int kept = ::open("/dev/null", O_RDONLY), other = ::open("/dev/null", O_RDONLY);
    const int high = ::fcntl(kept, F_DUPFD, 900);
    close_all_but({kept});
    const bool right = ::fcntl(kept, F_GETFD) >= 0 && ::fcntl(other, F_GETFD) < 0 &&
                       ::fcntl(high, F_GETFD) < 0 && ::fcntl(2, F_GETFD) >= 0;
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0;
}

TEST(CloseAll, KeepsOnlyTheNamedDescriptors) { EXPECT_TRUE(closes_all_but_one(0, 0)); }

TEST(CloseAll, WorksWhereCloseRangeIsRefused) {
  for (const int code : {EPERM, ENOSYS}) EXPECT_TRUE(closes_all_but_one(SYS_close_range, code)) << code;
}

}  // namespace
}  // namespace furrow::os
