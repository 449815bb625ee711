#include "os/process/process_tree.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "os/events/clock.hpp"

namespace furrow::os {
namespace {

TEST(ProcessTree, IsKilledWithGrandchildren) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans become children of this process
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t root = ::fork();
  if (root == 0) {
    for (int depth = 0; depth < 2; ++depth)
      if (::fork() != 0) break;
    (void)!::write(ready[1], "x", 1);
    for (;;) ::pause();
  }
  char said = 0;
  for (int i = 0; i < 3; ++i) ASSERT_EQ(::read(ready[0], &said, 1), 1);
  kill_tree(root);
  int status = 0, ended = 0;
  while (::waitpid(-1, &status, 0) > 0) {
    EXPECT_TRUE(WIFSIGNALED(status));
    ++ended;
  }
  EXPECT_EQ(ended, 3);
  ::close(ready[0]);
  ::close(ready[1]);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

pid_t started_program() {
  const pid_t child = ::fork();
  if (child == 0)
    for (;;) ::pause();
  return child;
}

bool runs(pid_t child) { return ::waitpid(child, nullptr, WNOHANG) == 0; }

void end(pid_t child) {
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

// Only those of one thread, from a time on, and not the ones to keep.
TEST(ProcessTree, OfAThreadIsKilled) {
  std::atomic<pid_t> thread{0}, old{0}, ours{0}, kept{0};
  std::atomic<bool> over{false};
  std::uint64_t since = 0;
  std::thread starter([&] {
    thread = thread_id();
    old = started_program();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    since = start_ticks(monotonic_ns());
    kept = started_program();
    ours = started_program();
    while (!over) std::this_thread::yield();
  });
  while (ours == 0) std::this_thread::yield();
  const pid_t other = started_program();
  if (std::vector<pid_t> all = children_of_thread(thread); all.size() == 3) {
    kill_programs_of_thread(thread, since, start_ticks(monotonic_ns()), {kept});
    EXPECT_EQ(::waitpid(ours, nullptr, 0), ours);
    EXPECT_TRUE(runs(old) && runs(kept) && runs(other));
  }
  over = true;
  starter.join();
  for (const pid_t each : {old.load(), ours.load(), kept.load(), other}) end(each);
}

TEST(ProcessTree, IsKilledWithoutItsRoot) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t root = ::fork();
  if (root == 0) {
    const pid_t child = started_program();
    (void)!::write(ready[1], "x", 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::_exit(WIFSIGNALED(status) ? 7 : 0);
  }
  char said = 0;
  ASSERT_EQ(::read(ready[0], &said, 1), 1);
  kill_descendants(root);
  int status = 0;
  ASSERT_EQ(::waitpid(root, &status, 0), root);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  ::close(ready[0]);
  ::close(ready[1]);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace furrow::os
