#include "store/lock.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include "os/files/files.hpp"

namespace furrow::store {
namespace {

constexpr double kForever_s = 3600;

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
  const auto lock = FolderLock::take(path(), kForever_s);
  ASSERT_FALSE(lock);
  EXPECT_NE(lock.error().message.find("another furrow run (pid " + std::to_string(holder) + " on "),
            std::string::npos)
      << lock.error().message;
  EXPECT_NE(lock.error().message.find("works in this directory"), std::string::npos);
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  EXPECT_TRUE(FolderLock::take(path(), 0));
}

// The holder has died, and its watchdog still holds the lock until the test lets it go.
class LockOfADeadHolder : public Lock {
 protected:
  void SetUp() override {
    Lock::SetUp();
    ASSERT_EQ(::pipe(watchdog_pipe_), 0);
    const pid_t holder = fork_child([&](int ready) {
      auto lock = FolderLock::take(path(), 0);
      if (!lock) ::_exit(1);
      if (::fork() == 0) {
        ::close(ready);
        ::close(watchdog_pipe_[1]);
        char byte;
        (void)!::read(watchdog_pipe_[0], &byte, 1);
        ::_exit(0);
      }
      ::_exit(::write(ready, "x", 1) == 1 ? 0 : 1);
    });
    ::waitpid(holder, nullptr, 0);
  }
  void TearDown() override {
    end_watchdog();
    ::close(watchdog_pipe_[0]);
    Lock::TearDown();
  }
  void end_watchdog() {
    if (watchdog_pipe_[1] >= 0) ::close(std::exchange(watchdog_pipe_[1], -1));
  }

  int watchdog_pipe_[2] = {-1, -1};
};

TEST_F(LockOfADeadHolder, IsTakenOnceItsWatchdogHasEnded) {
  std::atomic<bool> may_end = false;
  std::thread ender([&] {
    ::usleep(50'000);
    may_end = true;
    end_watchdog();
  });
  const auto lock = FolderLock::take(path(), kForever_s);
  EXPECT_TRUE(lock) << lock.error().message;
  EXPECT_TRUE(may_end) << "the watchdog still held it";
  ender.join();
}

TEST_F(LockOfADeadHolder, IsGivenUpIfItsWatchdogDoesNotEnd) {
  const auto lock = FolderLock::take(path(), 0.05);
  ASSERT_FALSE(lock);
  EXPECT_NE(lock.error().message.find("was killed"), std::string::npos) << lock.error().message;
}

TEST_F(Lock, FailsIfItsFileCannotBeCreated) {
  auto lock = FolderLock::take(std::string(folder_) + "/no/such/folder/lock", 1);
  ASSERT_FALSE(lock);
  EXPECT_NE(lock.error().message.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace furrow::store
