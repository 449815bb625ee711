#include "os/process/process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "os/files/files.hpp"
#include "support/refused_calls.hpp"

namespace furrow::os {
namespace {

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() { out_ = ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }
  ~ProcessTest() override { ::close(out_); }

  tl::expected<Child, SpawnFailure> spawn(std::vector<const char*> argv, SpawnRequest request = {}) {
    const char* const path = argv[0];
    argv.push_back(nullptr);
    char* environment[] = {const_cast<char*>("WORD=value"), nullptr};
    request.path = path;
    request.argv = const_cast<char* const*>(argv.data());
    request.envp = environment;
    request.out_fd = out_;
    return spawner_.spawn(request);
  }
  std::string run(std::vector<const char*> argv, SpawnRequest request = {}) {
    const auto child = spawn(std::move(argv), request);
    EXPECT_TRUE(child);
    if (!child) return {};
    wait_for(child->pid);
    ::close(child->pidfd);
    std::string text(100000, '\0');
    text.resize(static_cast<std::size_t>(::pread(out_, text.data(), text.size(), 0)));
    return text;
  }

  Spawner spawner_;
  int out_;
};

TEST_F(ProcessTest, RunsAProgramWithItsArgumentsAndEnvironment) {
  EXPECT_EQ(run({"/bin/sh", "-c", "echo \"$0 $1 $WORD\"; env | wc -l; cat", "a", "b c"}),
            "a b c value\n2\n");  // WORD, and PWD from the shell
}

TEST_F(ProcessTest, AStartKeepsNothingOfTheRequest) {
  for (int i = 0; i < 50; ++i) {
    std::string word = "some text", shell = "/bin/sh", option = "-c",
                command = "test \"$0 $WORD\" = 'some text more'";
    std::string variable = "WORD=more", directory = "/tmp";
    char* argv[] = {shell.data(), option.data(), command.data(), word.data(), nullptr};
    char* envp[] = {variable.data(), nullptr};
    SpawnRequest request;
    request.path = shell.c_str();
    request.argv = argv;
    request.envp = envp;
    request.directory = directory.c_str();
    const auto child = spawner_.start(request);
    for (std::string* text : {&word, &shell, &option, &command, &variable, &directory})
      text->assign(text->size(), 'x');
    ASSERT_TRUE(child);
    EXPECT_EQ(exit_code(wait_for(child->pid).raw_status), 0);
    EXPECT_FALSE(spawner_.failure(*child));
    ::close(child->pidfd);
  }
}

TEST_F(ProcessTest, AFailedStartGivesItsReasonOnceTheChildHasEnded) {
  const auto start = [&](const char* path, const char* directory) {
    char* argv[] = {const_cast<char*>(path), nullptr};
    SpawnRequest request;
    request.path = path;
    request.argv = request.envp = argv;
    request.directory = directory;
    return spawner_.start(request);
  };
  const auto why = [&](const tl::expected<Child, SpawnFailure>& child) {
    if (!child) return child.error();  // if start() waits
    wait_for(child->pid);
    ::close(child->pidfd);
    const auto failure = spawner_.failure(*child);
    EXPECT_FALSE(spawner_.failure(*child)) << "it is reported once";
    return failure.value_or(SpawnFailure{0, SpawnFailure::Step::kClone});
  };
  const auto good = start("/bin/true", nullptr), missing = start("/no/such/program", nullptr);
  const auto nowhere = start("/bin/true", "/no/such/folder"), folder = start("/tmp", nullptr);
  EXPECT_EQ(why(missing).code, ENOENT);
  EXPECT_EQ(why(nowhere).step, SpawnFailure::Step::kDirectory);
  EXPECT_EQ(why(folder).code, EACCES);
  EXPECT_EQ(why(good).code, 0);
}

TEST_F(ProcessTest, TheGroupExistsWhenStartReturns) {
  for (int i = 0; i < 200; ++i) {
    char* argv[] = {const_cast<char*>("/bin/sleep"), const_cast<char*>("100"), nullptr};
    SpawnRequest request;
    request.path = argv[0];
    request.argv = request.envp = argv;
    const auto child = spawner_.start(request);
    ASSERT_TRUE(child);
    ASSERT_TRUE(signal_group(child->pid, SIGKILL));
    ASSERT_EQ(exit_signal(wait_for(child->pid).raw_status), SIGKILL);
    ::close(child->pidfd);
  }
}

TEST_F(ProcessTest, ThePidfdIsReadableOnceTheChildHasEnded) {
  const auto child = spawn({"/bin/sh", "-c", "exit 5"});
  ASSERT_TRUE(child);
  pollfd end{child->pidfd, POLLIN, 0};
  ASSERT_EQ(::poll(&end, 1, 5000), 1);
  EXPECT_EQ(exit_code(peek_status(child->pid).value()), 5);
  EXPECT_EQ(exit_code(peek_status(child->pid).value()), 5) << "peeking must not reap the child";
  const auto ended = reap(child->pid);
  ASSERT_TRUE(ended);
  EXPECT_EQ(exit_code(ended->raw_status), 5);
  EXPECT_FALSE(reap(child->pid));
  ::close(child->pidfd);
}

TEST_F(ProcessTest, ARunningChildIsNotReaped) {
  const auto child = spawn({"/bin/sleep", "60"});
  ASSERT_TRUE(child);
  EXPECT_FALSE(peek_status(child->pid));
  EXPECT_FALSE(reap(child->pid));
  EXPECT_TRUE(signal_group(child->pid, SIGTERM));
  const Ended ended = wait_for(child->pid);
  EXPECT_EQ(exit_signal(ended.raw_status), SIGTERM);
  EXPECT_EQ(exit_code(ended.raw_status), -1);
  EXPECT_FALSE(signal_group(child->pid, SIGTERM));
  ::close(child->pidfd);
}

TEST_F(ProcessTest, AStoppedGroupReceivesASignal) {
  const auto child = spawn({"/bin/sleep", "60"});
  ASSERT_TRUE(child);
  ::kill(child->pid, SIGSTOP);
  EXPECT_TRUE(signal_group(child->pid, SIGTERM));
  EXPECT_EQ(exit_signal(wait_for(child->pid).raw_status), SIGTERM);
  ::close(child->pidfd);
}

TEST_F(ProcessTest, SaysWhatKeptAProgramFromStarting) {
  auto child = spawn({"/no/such/program"});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ENOENT);
  EXPECT_EQ(child.error().step, SpawnFailure::Step::kExec);
  child = spawn({"/etc/passwd"});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, EACCES);
  child = spawn({"/bin/true"}, {.directory = "/no/such/folder"});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ENOENT);
  EXPECT_EQ(child.error().step, SpawnFailure::Step::kDirectory);
  const std::string huge(300 * 1024, 'x');
  child = spawn({"/bin/echo", huge.c_str()});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, E2BIG);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child that could not start is left behind";
}

TEST_F(ProcessTest, StoresItsPidBeforeExec) {
  std::atomic<std::int32_t> slot = 0;
  const auto child = spawn({"/bin/sleep", "60"}, {.slot = &slot});
  ASSERT_TRUE(child);
  EXPECT_EQ(slot, child->pid);
  EXPECT_EQ(::getpgid(child->pid), child->pid);
  signal_group(child->pid, SIGKILL);
  wait_for(child->pid);
  ::close(child->pidfd);
}

TEST_F(ProcessTest, CanStayInTheCallersGroupAndReadAnInput) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(::write(ends[1], "from a pipe", 11), 11);
  ::close(ends[1]);
  EXPECT_EQ(
      run({"/bin/sh", "-c", "cat; ps -o pgid= -p $$ | tr -d ' '"}, {.in_fd = ends[0], .own_group = false}),
      "from a pipe" + std::to_string(::getpgrp()) + "\n");
  ::close(ends[0]);
}

TEST_F(ProcessTest, InheritsOnlyTheRequestedDescriptors) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const std::string other = "[ -e /proc/self/fd/" + std::to_string(ends[1]) + " ] || echo closed";
  const std::string given = "[ -e /proc/self/fd/" + std::to_string(ends[0]) + " ] && echo open";
  const int inherited[] = {ends[0]};
  EXPECT_EQ(run({"/bin/sh", "-c", (given + "; " + other).c_str()}, {.inherited = inherited}),
            "open\nclosed\n");
  EXPECT_EQ(::fcntl(ends[0], F_GETFD), FD_CLOEXEC) << "only the child's copy changes";
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(ProcessTest, DiesWithItsParent) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const int parent = ::fork();
  if (parent == 0) {
    Spawner spawner;
    char* const argv[] = {const_cast<char*>("sleep"), const_cast<char*>("60"), nullptr};
    const auto child = spawner.spawn({.path = "/bin/sleep", .argv = argv, .envp = environ});
    if (::write(ends[1], &child->pid, sizeof child->pid) < 0) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  int pid = 0;
  ASSERT_EQ(::read(ends[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  wait_for(parent);
  for (int i = 0; i < 5000 && !living_groups({pid}).empty(); ++i) ::usleep(10000);
  EXPECT_TRUE(living_groups({pid}).empty());
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(ProcessTest, AZombieDoesNotCountAsLiving) {
  const auto dead = spawn({"/bin/true"}), alive = spawn({"/bin/sleep", "60"});
  ASSERT_TRUE(dead && alive);
  pollfd end{dead->pidfd, POLLIN, 0};
  ASSERT_EQ(::poll(&end, 1, 5000), 1);
  EXPECT_TRUE(group_exists(dead->pid));
  EXPECT_THAT(living_groups({dead->pid, alive->pid}), ::testing::ElementsAre(alive->pid));
  ::kill(alive->pid, SIGKILL);
  for (const Child& child : {*dead, *alive}) {
    wait_for(child.pid);
    ::close(child.pidfd);
  }
  EXPECT_FALSE(group_exists(dead->pid));
}

TEST_F(ProcessTest, FindsProgramsOnThePath) {
  char name[] = "/tmp/furrow-test-XXXXXX";
  const std::string folder = ::mkdtemp(name);
  ASSERT_TRUE(write_file(folder + "/plain", "x"));
  ASSERT_TRUE(write_file(folder + "/tool", "x"));
  ::chmod((folder + "/tool").c_str(), 0755);
  ::mkdir((folder + "/sh").c_str(), 0755);
  const std::string path = "/no/such:" + folder + ":/bin";
  EXPECT_EQ(find_program("tool", path), folder + "/tool");
  EXPECT_EQ(find_program("plain", path), std::nullopt) << "not executable";
  EXPECT_EQ(find_program("sh", path), "/bin/sh") << "a folder is no program";
  EXPECT_EQ(find_program("x/y", path), "x/y");
  EXPECT_EQ(find_program("", path), std::nullopt);
  EXPECT_EQ(find_program("tool", ""), std::nullopt);
  (void)remove_tree(folder);
}

TEST(StandardDescriptors, ClosedOnesAreOpened) {
  const int child = ::fork();
  if (child == 0) {
    ::close(0);
    ::close(2);
    ensure_standard_descriptors();
    struct stat in, err, null;
    ::stat("/dev/null", &null);
    const bool good = ::fstat(0, &in) == 0 && ::fstat(2, &err) == 0 && in.st_rdev == null.st_rdev &&
                      err.st_rdev == null.st_rdev;
    ::_exit(good ? 0 : 1);
  }
  EXPECT_EQ(wait_for(child).raw_status, 0);
}

// In a child in which the kernel makes no pidfds: runs a program by START or spawn(), and waits for its descriptor.
int status_without_pidfds(bool by_start, int code) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!refuse_flag(SYS_clone, CLONE_PIDFD, code)) ::_exit(100);
    Spawner spawner;
    char* const argv[] = {const_cast<char*>("sh"), const_cast<char*>("-c"), const_cast<char*>("exit 3"),
                          nullptr};
    const SpawnRequest request{.path = "/bin/sh", .argv = argv, .envp = environ};
    for (int i = 0; i < 3; ++i) {
      const auto program = by_start ? spawner.start(request) : spawner.spawn(request);
      if (!program) ::_exit(101);
      pollfd end{program->pidfd, POLLIN, 0};
      if (::poll(&end, 1, 20'000) != 1 || exit_code(peek_status(program->pid).value_or(-1)) != 3)
        ::_exit(102);
      if (exit_code(reap(program->pid)->raw_status) != 3) ::_exit(103);
      ::close(program->pidfd);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return exit_code(status);
}

TEST(SpawnerWithoutPidfds, LearnsOfTheEndOfAChild) {
  for (const int code : {EINVAL, EPERM, ENOSYS}) {
    EXPECT_EQ(status_without_pidfds(false, code), 0) << code;
    EXPECT_EQ(status_without_pidfds(true, code), 0) << code;
  }
}

}  // namespace
}  // namespace furrow::os
