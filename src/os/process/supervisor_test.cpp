#include "os/process/supervisor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "os/files/files.hpp"
#include "support/refused_calls.hpp"

namespace furrow::os {
namespace {

constexpr int kPatience_ms = 20'000;

// A pipe that carries a sequence of numbers.
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
  // -1 if there is no writer left.
  int next() const {
    pollfd watched{ends_[0], POLLIN, 0};
    if (::poll(&watched, 1, kPatience_ms) <= 0) return -2;
    int number = -1;
    return ::read(ends_[0], &number, sizeof number) == sizeof number ? number : -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

// A process that starts a supervisor and goes on with BODY.
class SupervisedProgram {
 public:
  explicit SupervisedProgram(const std::function<int(Supervisor*)>& body, Supervisor::Options options = {}) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    Supervisor* const supervisor = Supervisor::start(options);
    if (supervisor == nullptr) ::_exit(99);
    ::_exit(body(supervisor));
  }
  ~SupervisedProgram() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) wait();
  }
  int wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(std::exchange(pid_, -1), &status, 0) > 0, true);
    return status;
  }
  pid_t supervisor() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

// Deaths are counted in a file, because the supervisor keeps no descriptor.
class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() {
    path_ = testing::TempDir() + "deaths-XXXXXX";
    ::close(::mkstemp(path_.data()));
  }
  ~SupervisorTest() override { ::unlink(path_.c_str()); }
  Supervisor::Options reporting() const {
    Supervisor::Options options;
    options.on_death = [path = path_](const Supervisor::Death& death) {
      (void)write_file(path, std::to_string(death.status) + (death.was_asked ? " asked" : ""));
    };
    return options;
  }
  std::string reported() const { return read_file(path_).value_or("no file"); }

  std::string path_{};
};

TEST_F(SupervisorTest, IsTheLaunchersChildAndEndsAsTheProgramDoes) {
  Numbers pids;
  SupervisedProgram kept(
      [&](Supervisor*) {
        pids.write(::getpid());
        pids.write(::getppid());
        return 7;
      },
      reporting());
  const pid_t launched = kept.supervisor();
  EXPECT_NE(pids.next(), launched);
  EXPECT_EQ(pids.next(), launched);
  const int status = kept.wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  EXPECT_EQ(reported(), "");
}

TEST_F(SupervisorTest, ReportsAKilledProgramAndEndsByTheSameSignal) {
  SupervisedProgram kept(
      [](Supervisor* supervisor) {
        supervisor->enter(Supervisor::Stage::kNeeded);
        return ::raise(SIGKILL);
      },
      reporting());
  const int status = kept.wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(reported(), "9");
}

TEST_F(SupervisorTest, ReportsAProgramThatExitsWhileNeeded) {
  SupervisedProgram kept(
      [](Supervisor* supervisor) {
        supervisor->enter(Supervisor::Stage::kNeeded);
        return 3;
      },
      reporting());
  EXPECT_EQ(WEXITSTATUS(kept.wait()), 3);
  EXPECT_EQ(reported(), std::to_string(3 << 8));
}

TEST_F(SupervisorTest, SaysNothingAboutAProgramThatIsNoLongerNeeded) {
  SupervisedProgram kept(
      [](Supervisor* supervisor) {
        supervisor->enter(Supervisor::Stage::kNeeded);
        supervisor->enter(Supervisor::Stage::kOver);
        return ::raise(SIGKILL);
      },
      reporting());
  EXPECT_TRUE(WIFSIGNALED(kept.wait()));
  EXPECT_EQ(reported(), "");
}

TEST_F(SupervisorTest, ALeavingProgramMayExitButNotBeKilled) {
  const auto leaving = [&](const std::function<int()>& last) {
    SupervisedProgram kept(
        [&](Supervisor* supervisor) {
          supervisor->enter(Supervisor::Stage::kLeaving);
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

TEST_F(SupervisorTest, HoldsNoDescriptorThatTheProgramCloses) {
  Numbers out, ready;
  SupervisedProgram kept([&](Supervisor*) {
    ::dup2(out.write_end(), STDOUT_FILENO);
    ::close(STDOUT_FILENO);
    out.close_write_end();
    ready.write(1);
    ::pause();
    return 0;
  });
  out.close_write_end();
  EXPECT_EQ(ready.next(), 1);
  EXPECT_EQ(out.next(), -1) << "end of file while program and supervisor live";
}

TEST_F(SupervisorTest, WhenKilledTakesTheProgramAlong) {
  Numbers alive;
  SupervisedProgram kept([&](Supervisor*) {
    alive.write(1);
    ::pause();
    return 0;
  });
  alive.close_write_end();
  EXPECT_EQ(alive.next(), 1);
  ::kill(kept.supervisor(), SIGKILL);
  EXPECT_EQ(alive.next(), -1);
}

TEST_F(SupervisorTest, PassesOnSignalsSentToItAlone) {
  Numbers ready;
  SupervisedProgram kept(
      [&](Supervisor* supervisor) {
        supervisor->enter(Supervisor::Stage::kNeeded);
        ready.write(1);
        for (;;) ::pause();
        return 0;
      },
      reporting());
  EXPECT_EQ(ready.next(), 1);
  ::kill(kept.supervisor(), SIGTERM);
  const int status = kept.wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  EXPECT_EQ(reported(), "15 asked");
}

TEST_F(SupervisorTest, DoesNotPassOnSignalsThatTheLauncherSendsToBoth) {
  Numbers ready;
  Supervisor::Options options = reporting();
  options.ends_with = ::getpid();
  SupervisedProgram kept(
      [&](Supervisor*) {
        ready.write(1);
        ::alarm(1);
        ::pause();
        return 0;
      },
      options);
  EXPECT_EQ(ready.next(), 1);
  ::kill(kept.supervisor(), SIGTERM);
  EXPECT_EQ(WTERMSIG(kept.wait()), SIGALRM);
}

// Without pidfds if CODE, an errno, is not 0.
void check_end_with_launcher(int code) {
  Numbers alive;
  const pid_t launcher = ::fork();
  if (launcher == 0) {
    if (code != 0 && !refuse_call(SYS_pidfd_open, code)) ::_exit(1);
    Supervisor::Options options;
    options.ends_with = ::getpid();
    SupervisedProgram kept(
        [&](Supervisor*) {
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

TEST_F(SupervisorTest, EndsWithTheLauncher) { check_end_with_launcher(0); }

TEST_F(SupervisorTest, EndsWithTheLauncherWithoutPidfds) {
  check_end_with_launcher(EPERM);
  check_end_with_launcher(ENOSYS);
}

TEST_F(SupervisorTest, AProgramWithThreadsGoesOnWithoutASupervisor) {
  const pid_t launched = ::fork();
  if (launched == 0) {
    Numbers never;
    std::thread([&never] { never.next(); }).detach();
    const pid_t self = ::getpid();
    Supervisor* const supervisor = Supervisor::start({});
    ::_exit(supervisor == nullptr && ::getpid() == self ? 0 : 1);
  }
  int status = -1;
  ::waitpid(launched, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace furrow::os
