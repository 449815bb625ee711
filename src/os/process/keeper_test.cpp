#include "os/process/keeper.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "os/files/files.hpp"

namespace furrow::os {
namespace {

constexpr int kPatience_ms = 20'000;

// A pipe through which one number comes after the other.
class Numbers {
 public:
  Numbers() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
  ~Numbers() {
    ::close(ends_[0]);
    close_write_end();
  }
  void write(int number) const {
    EXPECT_EQ(::write(ends_[1], &number, sizeof number), ssize_t{sizeof number});
  }
  int write_end() const { return ends_[1]; }
  void close_write_end() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }
  // -1 where there is no writer any more.
  int next() const {
    pollfd watched{ends_[0], POLLIN, 0};
    if (::poll(&watched, 1, kPatience_ms) <= 0) return -2;
    int number = -1;
    return ::read(ends_[0], &number, sizeof number) == sizeof number ? number : -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

// A process that leaves a keeper behind and goes on with BODY.
class Kept {
 public:
  explicit Kept(const std::function<int(Keeper*)>& body, Keeper::Options options = {}) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    Keeper* const keeper = Keeper::leave(options);
    if (keeper == nullptr) ::_exit(99);
    ::_exit(body(keeper));
  }
  ~Kept() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) wait();
  }
  int wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(std::exchange(pid_, -1), &status, 0) > 0, true);
    return status;
  }
  pid_t keeper() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

// Deaths are counted in a file, since the keeper keeps no descriptor.
class KeeperTest : public testing::Test {
 protected:
  KeeperTest() {
    path_ = testing::TempDir() + "keeper-deaths-XXXXXX";
    ::close(::mkstemp(path_.data()));
  }
  ~KeeperTest() override { ::unlink(path_.c_str()); }
  Keeper::Options reporting() const {
    Keeper::Options options;
    options.on_death = [path = path_](const Keeper::Death& death) {
      (void)write_file(path, std::to_string(death.status) + (death.was_asked ? " asked" : ""));
    };
    return options;
  }
  std::string reported() const { return read_file(path_).value_or("no file"); }

  std::string path_{};
};

TEST_F(KeeperTest, IsTheProcessThatTheLauncherKnowsAndEndsAsTheProgramDoes) {
  Numbers pids;
  Kept kept(
      [&](Keeper*) {
        pids.write(::getpid());
        pids.write(::getppid());
        return 7;
      },
      reporting());
  const pid_t launched = kept.keeper();
  EXPECT_NE(pids.next(), launched);
  EXPECT_EQ(pids.next(), launched);
  const int status = kept.wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  EXPECT_EQ(reported(), "");
}

TEST_F(KeeperTest, ReportsAProgramThatIsKilledWhileNeededAndEndsByTheSameSignal) {
  Kept kept(
      [](Keeper* keeper) {
        keeper->enter(Keeper::Stage::kNeeded);
        return ::raise(SIGKILL);
      },
      reporting());
  const int status = kept.wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(reported(), "9");
}

TEST_F(KeeperTest, ReportsAProgramThatExitsWhileNeeded) {
  Kept kept(
      [](Keeper* keeper) {
        keeper->enter(Keeper::Stage::kNeeded);
        return 3;
      },
      reporting());
  EXPECT_EQ(WEXITSTATUS(kept.wait()), 3);
  EXPECT_EQ(reported(), std::to_string(3 << 8));
}

TEST_F(KeeperTest, SaysNothingOfAProgramThatIsNotNeededAnyMore) {
  Kept kept(
      [](Keeper* keeper) {
        keeper->enter(Keeper::Stage::kNeeded);
        keeper->enter(Keeper::Stage::kOver);
        return ::raise(SIGKILL);
      },
      reporting());
  EXPECT_TRUE(WIFSIGNALED(kept.wait()));
  EXPECT_EQ(reported(), "");
}

TEST_F(KeeperTest, AProgramThatLeavesMayExitButNotBeKilled) {
  const auto leaving = [&](const std::function<int()>& last) {
    Kept kept(
        [&](Keeper* keeper) {
          keeper->enter(Keeper::Stage::kLeaving);
          return last();
        },
        reporting());
    return kept.wait();
  };
  EXPECT_EQ(WEXITSTATUS(leaving([] { return 5; })), 5);
  EXPECT_EQ(reported(), "");
  EXPECT_TRUE(WIFSIGNALED(leaving([] { return ::raise(SIGABRT); })));
  EXPECT_EQ(reported(), "6");
}

TEST_F(KeeperTest, HoldsNothingOpenThatTheProgramCloses) {
  Numbers out, ready;
  Kept kept([&](Keeper*) {
    ::dup2(out.write_end(), STDOUT_FILENO);
    ::close(STDOUT_FILENO);
    out.close_write_end();
    ready.write(1);
    ::pause();
    return 0;
  });
  out.close_write_end();
  EXPECT_EQ(ready.next(), 1);
  EXPECT_EQ(out.next(), -1) << "end of file, while program and keeper live";
}

TEST_F(KeeperTest, ThatIsKilledTakesTheProgramAlong) {
  Numbers alive;
  Kept kept([&](Keeper*) {
    alive.write(1);
    ::pause();
    return 0;
  });
  alive.close_write_end();
  EXPECT_EQ(alive.next(), 1);
  ::kill(kept.keeper(), SIGKILL);
  EXPECT_EQ(alive.next(), -1);
}

TEST_F(KeeperTest, PassesOnSignalsThatAreSentToItAlone) {
  Numbers ready;
  Kept kept(
      [&](Keeper* keeper) {
        keeper->enter(Keeper::Stage::kNeeded);
        ready.write(1);
        for (;;) ::pause();
        return 0;
      },
      reporting());
  EXPECT_EQ(ready.next(), 1);
  ::kill(kept.keeper(), SIGTERM);
  const int status = kept.wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  EXPECT_EQ(reported(), "15 asked");
}

TEST_F(KeeperTest, LeavesSignalsToTheLauncherThatSendsThemToBoth) {
  Numbers ready;
  Keeper::Options options = reporting();
  options.ends_with = ::getpid();
  Kept kept(
      [&](Keeper*) {
        ready.write(1);
        ::alarm(1);
        ::pause();
        return 0;
      },
      options);
  EXPECT_EQ(ready.next(), 1);
  ::kill(kept.keeper(), SIGTERM);
  EXPECT_EQ(WTERMSIG(kept.wait()), SIGALRM);
}

TEST_F(KeeperTest, EndsWithTheLauncher) {
  Numbers alive;
  const pid_t launcher = ::fork();
  if (launcher == 0) {
    Keeper::Options options;
    options.ends_with = ::getpid();
    Kept kept(
        [&](Keeper*) {
          alive.write(1);
          ::pause();
          return 0;
        },
        options);
    ::pause();
  }
  alive.close_write_end();
  EXPECT_EQ(alive.next(), 1);
  ::kill(launcher, SIGKILL);
  ::waitpid(launcher, nullptr, 0);
  EXPECT_EQ(alive.next(), -1);
}

TEST_F(KeeperTest, AProgramWithOtherThreadsGoesOnWithoutOne) {
  const pid_t launched = ::fork();
  if (launched == 0) {
    Numbers never;
    std::thread([&never] { never.next(); }).detach();
    const pid_t self = ::getpid();
    Keeper* const keeper = Keeper::leave({});
    ::_exit(keeper == nullptr && ::getpid() == self ? 0 : 1);
  }
  int status = -1;
  ::waitpid(launched, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace furrow::os
