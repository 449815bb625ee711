#include "store/lock.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>

#include "os/files/files.hpp"

namespace furrow::store {
namespace {

double seconds_of(const std::function<void()>& action) {
  const auto begin = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

class Lock : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(folder_), nullptr); }
  void TearDown() override { (void)os::remove_tree(folder_); }
  std::string path() const { return std::string(folder_) + "/lock"; }

  // Runs ACTION in a child and waits until the child writes to the pipe that it is given.
  pid_t fork_child(const std::function<void(int ready)>& action) {
    int ends[2];
    if (::pipe(ends) != 0) return -1;
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::close(ends[0]);
      action(ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
    char byte = 0;
    EXPECT_EQ(::read(ends[0], &byte, 1), 1);
    ::close(ends[0]);
    return pid;
  }

  char folder_[32] = "/tmp/furrow-lock-XXXXXX";
};

TEST_F(Lock, CanBeTakenAgainOnceFree) {
  for (int i = 0; i < 2; ++i) {
    auto lock = FolderLock::take(path(), 0);
    ASSERT_TRUE(lock) << lock.error().message;
    EXPECT_NE(::fcntl(lock->fd(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(Lock, NamesALiveHolderAtOnce) {
  const pid_t holder = fork_child([&](int ready) {
    auto lock = FolderLock::take(path(), 0);
    if (!lock || ::write(ready, "x", 1) != 1) ::_exit(1);
    ::pause();
  });
  Result<FolderLock> lock;
  EXPECT_LT(seconds_of([&] { lock = FolderLock::take(path(), 5); }), 2);
  ASSERT_FALSE(lock);
  EXPECT_NE(lock.error().message.find("another furrow run (pid " + std::to_string(holder) + " on "),
            std::string::npos)
      << lock.error().message;
  EXPECT_NE(lock.error().message.find("works in this directory"), std::string::npos);
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  EXPECT_TRUE(FolderLock::take(path(), 0));
}

// The holder dies, and its watchdog still holds the lock for a while.
TEST_F(Lock, WaitsForTheWatchdogOfADeadHolder) {
  const pid_t holder = fork_child([&](int ready) {
    auto lock = FolderLock::take(path(), 0);
    if (!lock) ::_exit(1);
    if (::fork() == 0) {
      ::usleep(300'000);
      ::_exit(0);
    }
    if (::write(ready, "x", 1) != 1) ::_exit(1);
  });
  ::waitpid(holder, nullptr, 0);
  Result<FolderLock> lock;
  const double seconds = seconds_of([&] { lock = FolderLock::take(path(), 20); });
  EXPECT_TRUE(lock) << lock.error().message;
  EXPECT_GT(seconds, 0.1);
  EXPECT_LT(seconds, 10);
}

TEST_F(Lock, GivesUpOnAWatchdogThatDoesNotEnd) {
  int watchdog_pipe[2];
  ASSERT_EQ(::pipe(watchdog_pipe), 0);
  const pid_t holder = fork_child([&](int ready) {
    auto lock = FolderLock::take(path(), 0);
    if (!lock) ::_exit(1);
    if (::fork() == 0) {
      ::close(ready);
      ::close(watchdog_pipe[1]);
      char byte;
      (void)!::read(watchdog_pipe[0], &byte, 1);  // until the test closes its end
      ::_exit(0);
    }
    if (::write(ready, "x", 1) != 1) ::_exit(1);
  });
  ::waitpid(holder, nullptr, 0);
  auto lock = FolderLock::take(path(), 0.05);
  ASSERT_FALSE(lock);
  EXPECT_NE(lock.error().message.find("was killed"), std::string::npos) << lock.error().message;
  ::close(watchdog_pipe[0]);
  ::close(watchdog_pipe[1]);
}

TEST_F(Lock, FailsIfItsFileCannotBeCreated) {
  auto lock = FolderLock::take(std::string(folder_) + "/no/such/folder/lock", 1);
  ASSERT_FALSE(lock);
  EXPECT_NE(lock.error().message.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace furrow::store
