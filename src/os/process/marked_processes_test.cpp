#include "os/process/marked_processes.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "os/process/process.hpp"

namespace furrow::os {
namespace {

Child sleeper(const char* entry) {
  const char* const argv[] = {"sleep", "60", nullptr};
  const char* const envp[] = {"A=1", entry, "B=2", nullptr};
  SpawnRequest request;
  request.path = "/bin/sleep";
  request.argv = const_cast<char* const*>(argv);
  request.envp = const_cast<char* const*>(envp);
  return *Spawner().spawn(request);
}

TEST(MarkedProcesses, FindsThoseWithExactlyTheVariable) {
  const Child marked = sleeper("FURROW_TEST_MARK=7"), other = sleeper("FURROW_TEST_MARK=77");
  const auto found = marked_processes({"FURROW_TEST_MARK=7", "FURROW_TEST_MARK=none"});
  EXPECT_EQ(found[0], std::vector<int>{marked.pid});
  EXPECT_TRUE(found[1].empty());
  EXPECT_FALSE(signal_marked("FURROW_TEST_MARK=none", SIGKILL));
  EXPECT_TRUE(signal_marked("FURROW_TEST_MARK=7", SIGKILL));
  EXPECT_EQ(exit_signal(wait_for(marked.pid).raw_status), SIGKILL);
  EXPECT_TRUE(marked_processes({"FURROW_TEST_MARK=7"})[0].empty());
  ::kill(other.pid, SIGKILL);
  wait_for(other.pid);
  ::close(marked.pidfd);
  ::close(other.pidfd);
}

}  // namespace
}  // namespace furrow::os
