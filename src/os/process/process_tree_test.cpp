#include "os/process/process_tree.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

}  // namespace
}  // namespace furrow::os
