#include "os/process/watchdog.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <string>

#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/process/job_cookie.hpp"
#include "os/process/process.hpp"
#include "os/process/survivors.hpp"
#include "support/refused_calls.hpp"

namespace furrow::os {
namespace {

bool becomes_true(const std::function<bool()>& claim) {
  const double until = monotonic_seconds() + 50;
  while (!claim()) {
    if (monotonic_seconds() > until) return false;
    ::usleep(2000);
  }
  return true;
}

// An engine that can be killed: BODY runs in a forked process, which then waits. A pipe carries the one
// number that BODY reports.
class Engine {
 public:
  explicit Engine(const std::function<void(int report)>& body) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      body(ends[1]);
      ::pause();
      ::_exit(0);
    }
    ::close(ends[1]);
    report_ = ends[0];
  }
  ~Engine() {
    kill();
    ::close(report_);
  }
  void kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    wait_for(pid_);
    pid_ = -1;
  }
  int next() const {
    int value = -1;
    return ::read(report_, &value, sizeof value) == sizeof value ? value : -1;
  }

 private:
  int pid_;
  int report_;
};

void report(int fd, int value) {
  if (::write(fd, &value, sizeof value) < 0) ::_exit(1);
}

int spawn_shell(Spawner& spawner, Watchdog& watchdog, std::uint32_t slot, const std::string& command) {
  char* const argv[] = {const_cast<char*>("bash"), const_cast<char*>("-c"),
                        const_cast<char*>(command.c_str()), nullptr};
  const auto child = spawner.spawn({.path = "/bin/bash",
                                    .argv = argv,
                                    .envp = environ,
                                    .slot = &watchdog.slot(slot),
                                    .die_with_parent = false});
  return child ? child->pid : -1;
}

TEST(Watchdog, EndsWithItsEngine) {
  auto watchdog = Watchdog::start({});
  ASSERT_TRUE(watchdog);
  const int pid = (*watchdog)->pid();
  EXPECT_EQ(::kill(pid, 0), 0);
  EXPECT_TRUE(becomes_true([&] { return ::getpgid(pid) == pid; })) << "the watchdog must lead its own group";
  EXPECT_TRUE(becomes_true(
      [&] { return read_file("/proc/" + std::to_string(pid) + "/comm").value_or("") == "furrow-guard\n"; }));
  watchdog->reset();
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Watchdog, KeepsOnlyTheGivenDescriptors) {
  int kept[2], other[2];
  ASSERT_EQ(::pipe2(kept, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(other, O_CLOEXEC), 0);
  auto watchdog = Watchdog::start({kept[1]});
  ASSERT_TRUE(watchdog);
  const std::string folder = "/proc/" + std::to_string((*watchdog)->pid()) + "/fd/";
  EXPECT_TRUE(becomes_true([&] { return !status(folder + std::to_string(other[1])).exists(); }));
  EXPECT_TRUE(becomes_true([&] {
    return list_directory(folder)->size() == 5;
  }));  // the three standard descriptors, its pipe, the kept one
  char link[100] = {};
  EXPECT_GT(::readlink((folder + "1").c_str(), link, sizeof link - 1), 0);
  EXPECT_STREQ(link, "/dev/null");
  for (const int fd : {kept[0], kept[1], other[0], other[1]}) ::close(fd);
}

TEST(Watchdog, EndsTheGroupsOfAKilledEngineWithGrandchildren) {
  char name[] = "/tmp/furrow-test-XXXXXX";
  const std::string folder = ::mkdtemp(name), beat = folder + "/beat";
  Engine engine([&](int fd) {
    auto watchdog = std::move(*Watchdog::start({})).release();
    Spawner spawner;
    report(fd,
           spawn_shell(spawner, *watchdog, 3,
                       "trap '' TERM HUP; (while :; do echo x >> " + beat + "; sleep 0.01; done) & wait"));
    report(fd, spawn_shell(spawner, *watchdog, Watchdog::kSlots - 1, "exec sleep 60"));
    report(fd, watchdog->pid());
  });
  const int first = engine.next(), second = engine.next(), watchdog = engine.next();
  ASSERT_GT(first, 1);
  ASSERT_GT(second, 1);
  ASSERT_TRUE(becomes_true([&] { return status(beat).size > 0; }));
  engine.kill();
  EXPECT_TRUE(becomes_true([&] { return living_groups({first, second}).empty(); }));
  EXPECT_TRUE(becomes_true([&] { return living_groups({watchdog}).empty(); }));
  const std::int64_t size = status(beat).size;
  ::usleep(100000);
  EXPECT_EQ(status(beat).size, size);
  (void)remove_tree(folder);
}

TEST(Watchdog, EndsAChildThatFillsItsSlotLate) {
  Engine engine([&](int fd) {
    auto watchdog = std::move(*Watchdog::start({})).release();
    const int engine_pid = ::getpid();
    const int late = ::fork();
    if (late == 0) {
      ::setpgid(0, 0);
      ::close_range(3, ~0u, 0);  // with a copy of its pipe, the watchdog would take us for the engine
      ::alarm(50);
      while (::getppid() == engine_pid) ::usleep(1000);
      ::usleep(15000);
      watchdog->slot(7) = ::getpid();
      ::pause();
      ::_exit(0);
    }
    report(fd, late);
  });
  const int late = engine.next();
  ASSERT_GT(late, 1);
  ::usleep(20000);
  engine.kill();
  EXPECT_TRUE(becomes_true([&] { return ::kill(late, 0) != 0 || living_groups({late}).empty(); }));
}

TEST(Watchdog, HoldsTheLockUntilTheJobsAreGone) {
  char name[] = "/tmp/furrow-test-XXXXXX";
  const std::string folder = ::mkdtemp(name), lock = folder + "/lock";
  Engine engine([&](int fd) {
    const int lock_fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ::flock(lock_fd, LOCK_EX);
    auto watchdog = std::move(*Watchdog::start({lock_fd})).release();
    Spawner spawner;
    report(fd, spawn_shell(spawner, *watchdog, 0, "sleep 60 & sleep 60"));
  });
  const int job = engine.next();
  ASSERT_GT(job, 1);
  const int lock_fd = ::open(lock.c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_NE(::flock(lock_fd, LOCK_EX | LOCK_NB), 0);
  engine.kill();
  // When the lock can be had, nothing of the job is alive.
  ASSERT_TRUE(becomes_true([&] { return ::flock(lock_fd, LOCK_EX | LOCK_NB) == 0; }));
  EXPECT_TRUE(living_groups({job}).empty());
  ::close(lock_fd);
  (void)remove_tree(folder);
}

TEST(Watchdog, EndsTheJobsWhereSystemCallsAreRefused) {
  for (const int code : {EPERM, ENOSYS}) {
    Engine engine([&](int fd) {
      for (const long call : {SYS_close_range, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_clone3}) {
        if (!refuse_call(call, code)) ::_exit(1);
      }
      auto watchdog = std::move(*Watchdog::start({})).release();
      Spawner spawner;
      report(fd, spawn_shell(spawner, *watchdog, 0, "sleep 60 & sleep 60"));
    });
    const int job = engine.next();
    ASSERT_GT(job, 1);
    engine.kill();
    EXPECT_TRUE(becomes_true([&] { return living_groups({job}).empty(); })) << code;
  }
}

TEST(Watchdog, EndsProcessesThatHaveLeftTheirGroup) {
  const std::string run = new_run_id();
  Engine engine([&](int fd) {
    auto watchdog = std::move(*Watchdog::create(run)).release();
    if (!watchdog->watch({fd}, [fd] { report(fd, 4711); })) ::_exit(1);
    watchdog->use(3) = 1;
    Spawner spawner;
    ::putenv(::strdup(cookie_entry(run, std::uint64_t{1} << 32 | 3).c_str()));
    spawn_shell(spawner, *watchdog, 3, "setsid sleep 61 & wait");
    report(fd, 1);
  });
  ASSERT_EQ(engine.next(), 1);
  const auto table = JobTable::open(run);
  ASSERT_NE(table, nullptr);
  const auto strays = [&] { return find_survivors({.id = run, .table = table.get()}).certain.size(); };
  EXPECT_TRUE(becomes_true([&] { return strays() == 2; }));
  engine.kill();
  EXPECT_EQ(engine.next(), 4711);
  EXPECT_EQ(strays(), 0u);
  EXPECT_TRUE(becomes_true([&] { return JobTable::open(run) == nullptr; }));
}

TEST(Watchdog, IgnoresTheSignalsOfATerminal) {
  auto watchdog = Watchdog::start({});
  ASSERT_TRUE(watchdog);
  ::usleep(20000);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::kill((*watchdog)->pid(), signal);
  ::usleep(20000);
  EXPECT_EQ(::waitpid((*watchdog)->pid(), nullptr, WNOHANG), 0);
}

TEST(Watchdog, OtherProcessesCanMapTheTable) {
  auto watchdog = Watchdog::start({});
  ASSERT_TRUE(watchdog);
  const std::int32_t pid = 0x7f000001;  // no such group can exist
  ASSERT_EQ(::pwrite((*watchdog)->table_fd(), &pid, sizeof pid, 4 * 9), static_cast<ssize_t>(sizeof pid));
  EXPECT_EQ((*watchdog)->slot(9), pid);
  (*watchdog)->slot(9) = 0;
}

}  // namespace
}  // namespace furrow::os
