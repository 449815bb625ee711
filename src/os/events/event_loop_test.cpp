#include "os/events/event_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "os/events/alarm.hpp"
#include "os/events/clock.hpp"

namespace furrow::os {
namespace {

using ::testing::ElementsAre;

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe(ends), 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void fill() const { EXPECT_EQ(::write(ends[1], "x", 1), 1); }
  int out() const { return ends[0]; }
  int ends[2];
};

TEST(EventLoop, CallsBackWhenADescriptorIsReadable) {
  EventLoop loop;
  const Pipe pipe;
  int calls = 0;
  loop.watch(pipe.out(), EPOLLIN, [&](std::uint32_t events) { calls += events == EPOLLIN; });
  EXPECT_FALSE(loop.run_once(0));
  pipe.fill();
  EXPECT_TRUE(loop.run_once(1));
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, ForgetsInsideACallback) {
  EventLoop loop;
  const Pipe a, b;
  std::string called;
  // Both are due in one round; the first one to run removes both.
  const auto callback = [&](std::uint32_t) {
    called += 'x';
    loop.forget(a.out());
    loop.forget(b.out());
    loop.forget(b.out());
  };
  loop.watch(a.out(), EPOLLIN, callback);
  loop.watch(b.out(), EPOLLIN, callback);
  a.fill();
  b.fill();
  EXPECT_TRUE(loop.run_once(1));
  EXPECT_FALSE(loop.run_once(0));
  EXPECT_EQ(called, "x");
}

TEST(EventLoop, AReusedDescriptorGetsNoEventOfTheOldOne) {
  EventLoop loop;
  const Pipe a, b;
  int stale = 0;
  const auto replace = [&](int mine, int other) {
    loop.forget(mine);
    loop.forget(other);
    loop.watch(other, EPOLLHUP, [&](std::uint32_t) { ++stale; });
  };
  loop.watch(a.out(), EPOLLIN, [&](std::uint32_t) { replace(a.out(), b.out()); });
  loop.watch(b.out(), EPOLLIN, [&](std::uint32_t) { replace(b.out(), a.out()); });
  a.fill();
  b.fill();
  loop.run_once(1);
  EXPECT_EQ(stale, 0);
}

TEST(EventLoop, ChangesWhatItWaitsFor) {
  EventLoop loop;
  const Pipe pipe;
  int calls = 0;
  loop.watch(pipe.ends[1], 0, [&](std::uint32_t) { ++calls; });
  EXPECT_FALSE(loop.run_once(0));
  loop.change(pipe.ends[1], EPOLLOUT);
  EXPECT_TRUE(loop.run_once(0));
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, TimersFireInTheOrderOfTheirTimes) {
  EventLoop loop;
  std::vector<int> fired;
  loop.after(0.02, [&] { fired.push_back(2); });
  loop.after(0.01, [&] { fired.push_back(1); });
  loop.after(0.03, [&] { fired.push_back(3); });
  const double begun = monotonic_seconds();
  while (fired.size() < 3) loop.run_once(-1);
  EXPECT_THAT(fired, ElementsAre(1, 2, 3));
  EXPECT_GE(monotonic_seconds() - begun, 0.03);
}

TEST(EventLoop, EqualTimersFireInTheOrderOfTheCalls) {
  EventLoop loop;
  std::vector<int> fired;
  for (int i = 0; i < 5; ++i) loop.after(0, [&, i] { fired.push_back(i); });
  EXPECT_TRUE(fired.empty());
  while (fired.size() < 5) loop.run_once(0);
  EXPECT_THAT(fired, ElementsAre(0, 1, 2, 3, 4));
}

TEST(EventLoop, ACancelledTimerDoesNotFire) {
  EventLoop loop;
  int fired = 0;
  std::uint64_t second = 0;
  const std::uint64_t first = loop.after(0, [&] { loop.cancel(second); });
  second = loop.after(0, [&] { ++fired; });
  EXPECT_NE(first, 0u);
  EXPECT_TRUE(loop.run_once(0.01));
  EXPECT_FALSE(loop.run_once(0.01));
  EXPECT_EQ(fired, 0);
  loop.cancel(first);
}

TEST(EventLoop, ATimerThatRenewsItselfDoesNotBlockTheLoop) {
  EventLoop loop;
  int fired = 0;
  std::function<void()> again = [&] {
    ++fired;
    loop.after(0, again);
  };
  loop.after(0, again);
  for (int i = 0; i < 10; ++i) loop.run_once(0);
  EXPECT_GE(fired, 5);
  EXPECT_LE(fired, 10);
}

TEST(EventLoop, WaitsNoLongerThanItsTimeoutOrTheNextTimer) {
  EventLoop loop;
  const double begun = monotonic_seconds();
  EXPECT_FALSE(loop.run_once(0.02));
  EXPECT_GE(monotonic_seconds() - begun, 0.02);
  loop.after(0.02, [] {});
  EXPECT_TRUE(loop.run_once(3600));
}

TEST(AlarmTest, RingsOnceAtTheEarliestTimeAndCanBeSetAgain) {
  EventLoop loop;
  int rings = 0;
  Alarm alarm(loop, [&] { ++rings; });
  alarm.set(60);
  alarm.set(0.001);
  alarm.set(60);
  while (rings == 0) loop.run_once(1);
  EXPECT_FALSE(loop.run_once(0.02));
  alarm.set(0);
  EXPECT_TRUE(loop.run_once(1));
  EXPECT_EQ(rings, 2);
}

TEST(AlarmTest, ADestroyedAlarmDoesNotRing) {
  EventLoop loop;
  std::optional<Alarm> alarm;
  alarm.emplace(loop, [] { FAIL(); });
  alarm->set(0);
  alarm.reset();
  EXPECT_FALSE(loop.run_once(0.01));
}

}  // namespace
}  // namespace furrow::os
