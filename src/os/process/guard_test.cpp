#include "os/process/guard.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/process/process.hpp"

namespace furrow::os {
namespace {

bool holds_within(double seconds, const std::function<bool()>& claim) {
  const double until = monotonic_seconds() + seconds;
  while (!claim()) {
    if (monotonic_seconds() > until) return false;
    ::usleep(2000);
  }
  return true;
}

// An engine that can be killed: BODY runs in a forked process, which then waits; its last word comes through
// the pipe.
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

int spawn_shell(Spawner& spawner, Guard& guard, std::uint32_t slot, const std::string& command) {
  char* const argv[] = {const_cast<char*>("bash"), const_cast<char*>("-c"),
                        const_cast<char*>(command.c_str()), nullptr};
  const auto child = spawner.spawn({.path = "/bin/bash",
                                    .argv = argv,
                                    .envp = environ,
                                    .slot = &guard.slot(slot),
                                    .die_with_parent = false});
  return child ? child->pid : -1;
}

TEST(Guard, LeavesWithItsEngine) {
  auto guard = Guard::start({});
  ASSERT_TRUE(guard);
  const int pid = (*guard)->pid();
  EXPECT_EQ(::kill(pid, 0), 0);
  EXPECT_TRUE(holds_within(2, [&] { return ::getpgid(pid) == pid; })) << "in a group of its own";
  EXPECT_TRUE(holds_within(2, [&] {
    return read_file("/proc/" + std::to_string(pid) + "/comm").value_or("") == "furrow-guard\n";
  }));
  const double begun = monotonic_seconds();
  guard->reset();
  EXPECT_LT(monotonic_seconds() - begun, 0.5);
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Guard, KeepsOnlyTheDescriptorsItIsTold) {
  int kept[2], other[2];
  ASSERT_EQ(::pipe2(kept, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(other, O_CLOEXEC), 0);
  auto guard = Guard::start({kept[1]});
  ASSERT_TRUE(guard);
  const std::string folder = "/proc/" + std::to_string((*guard)->pid()) + "/fd/";
  EXPECT_TRUE(holds_within(2, [&] { return !status(folder + std::to_string(other[1])).exists(); }));
  EXPECT_TRUE(holds_within(2, [&] {
    return list_directory(folder)->size() == 5;
  }));  // three standard ones, its pipe, the kept one
  char link[100] = {};
  EXPECT_GT(::readlink((folder + "1").c_str(), link, sizeof link - 1), 0);
  EXPECT_STREQ(link, "/dev/null");
  for (const int fd : {kept[0], kept[1], other[0], other[1]}) ::close(fd);
}

TEST(Guard, EndsGroupsOfAKilledEngineGrandchildrenIncluded) {
  char name[] = "/tmp/furrow-test-XXXXXX";
  const std::string folder = ::mkdtemp(name), beat = folder + "/beat";
  Engine engine([&](int fd) {
    auto guard = std::move(*Guard::start({})).release();
    Spawner spawner;
    report(fd,
           spawn_shell(spawner, *guard, 3,
                       "trap '' TERM HUP; (while :; do echo x >> " + beat + "; sleep 0.01; done) & wait"));
    report(fd, spawn_shell(spawner, *guard, Guard::kSlots - 1, "exec sleep 60"));
    report(fd, guard->pid());
  });
  const int first = engine.next(), second = engine.next(), guard = engine.next();
  ASSERT_GT(first, 1);
  ASSERT_GT(second, 1);
  ASSERT_TRUE(holds_within(5, [&] { return status(beat).size > 0; }));
  engine.kill();
  EXPECT_TRUE(holds_within(5, [&] { return living_groups({first, second}).empty(); }));
  EXPECT_TRUE(holds_within(5, [&] { return living_groups({guard}).empty(); }));
  const std::int64_t size = status(beat).size;
  ::usleep(100000);
  EXPECT_EQ(status(beat).size, size);
  (void)remove_tree(folder);
}

TEST(Guard, EndsAChildThatFillsItsSlotLate) {
  Engine engine([&](int fd) {
    auto guard = std::move(*Guard::start({})).release();
    const int engine_pid = ::getpid();
    const int late = ::fork();
    if (late == 0) {
      ::setpgid(0, 0);
      ::close_range(3, ~0u, 0);  // a copy of the guard's pipe would keep the engine alive for it
      ::alarm(20);
      while (::getppid() == engine_pid) ::usleep(1000);
      ::usleep(15000);
      guard->slot(7) = ::getpid();
      ::pause();
      ::_exit(0);
    }
    report(fd, late);
  });
  const int late = engine.next();
  ASSERT_GT(late, 1);
  ::usleep(20000);
  engine.kill();
  EXPECT_TRUE(holds_within(5, [&] { return ::kill(late, 0) != 0 || living_groups({late}).empty(); }));
}

TEST(Guard, HoldsTheLockUntilTheJobsAreGone) {
  char name[] = "/tmp/furrow-test-XXXXXX";
  const std::string folder = ::mkdtemp(name), lock = folder + "/lock";
  Engine engine([&](int fd) {
    const int lock_fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ::flock(lock_fd, LOCK_EX);
    auto guard = std::move(*Guard::start({lock_fd})).release();
    Spawner spawner;
    report(fd, spawn_shell(spawner, *guard, 0, "sleep 60 & sleep 60"));
  });
  const int job = engine.next();
  ASSERT_GT(job, 1);
  const int lock_fd = ::open(lock.c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_NE(::flock(lock_fd, LOCK_EX | LOCK_NB), 0);
  engine.kill();
  // The moment it can be had, nothing of the job is alive.
  ASSERT_TRUE(holds_within(5, [&] { return ::flock(lock_fd, LOCK_EX | LOCK_NB) == 0; }));
  EXPECT_TRUE(living_groups({job}).empty());
  ::close(lock_fd);
  (void)remove_tree(folder);
}

TEST(Guard, IsDeafToTheSignalsOfATerminal) {
  auto guard = Guard::start({});
  ASSERT_TRUE(guard);
  ::usleep(20000);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::kill((*guard)->pid(), signal);
  ::usleep(20000);
  EXPECT_EQ(::waitpid((*guard)->pid(), nullptr, WNOHANG), 0);
}

TEST(Guard, TheTableIsSharedMemoryThatOthersCanMap) {
  auto guard = Guard::start({});
  ASSERT_TRUE(guard);
  const std::int32_t pid = 0x7f000001;  // no such group can exist
  ASSERT_EQ(::pwrite((*guard)->table_fd(), &pid, sizeof pid, 4 * 9), static_cast<ssize_t>(sizeof pid));
  EXPECT_EQ((*guard)->slot(9), pid);
  (*guard)->slot(9) = 0;
}

}  // namespace
}  // namespace furrow::os
