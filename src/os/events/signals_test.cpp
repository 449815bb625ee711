#include "os/events/signals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace furrow::os {
namespace {

TEST(SignalWatch, ReportsSignalsOnlyFromTheLoop) {
  EventLoop loop;
  std::vector<int> came;
  const SignalWatch watch(loop, {SIGINT, SIGTERM}, [&](int signal) { came.push_back(signal); });
  ::kill(::getpid(), SIGTERM);
  ::kill(::getpid(), SIGINT);
  EXPECT_TRUE(came.empty());
  EXPECT_TRUE(loop.run_once(1));
  EXPECT_THAT(came, ::testing::UnorderedElementsAre(SIGINT, SIGTERM));
  EXPECT_FALSE(loop.run_once(0));
}

TEST(SignalWatch, RestoresTheSignalMask) {
  sigset_t before, after;
  ::sigprocmask(SIG_SETMASK, nullptr, &before);
  {
    EventLoop loop;
    const SignalWatch watch(loop, {SIGUSR1}, [](int) {});
    ::sigprocmask(SIG_SETMASK, nullptr, &after);
    EXPECT_EQ(::sigismember(&after, SIGUSR1), 1);
  }
  ::sigprocmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(::sigismember(&after, SIGUSR1), ::sigismember(&before, SIGUSR1));
}

}  // namespace
}  // namespace furrow::os
