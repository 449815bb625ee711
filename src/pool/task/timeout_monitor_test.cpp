#include "pool/task/timeout_monitor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace furrow::pool {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

void wait_for_stop(const TimeoutMonitor::Watch& watch) {
  while (!watch.source.stop_requested()) std::this_thread::sleep_for(milliseconds(1));
}

TEST(TimeoutMonitorTest, AsksATaskWhoseTimeIsOver) {
  TimeoutMonitor monitor;
  TimeoutMonitor::Watch* const watch = monitor.add(0.01, nullptr);
  wait_for_stop(*watch);
  EXPECT_TRUE(monitor.remove(watch));
}

TEST(TimeoutMonitorTest, LeavesTasksWithTimeOrWithoutALimitAlone) {
  TimeoutMonitor monitor;
  TimeoutMonitor::Watch* const patient = monitor.add(0, nullptr);
  TimeoutMonitor::Watch* const has_time = monitor.add(3600, nullptr);
  TimeoutMonitor::Watch* const late =
      monitor.add(0.01, nullptr);  // wakes the thread, which sleeps for an hour
  wait_for_stop(*late);
  EXPECT_FALSE(monitor.remove(patient));
  EXPECT_FALSE(monitor.remove(has_time));
  EXPECT_TRUE(monitor.remove(late));
}

TEST(TimeoutMonitorTest, TellsOnceOfTasksThatGoOn) {
  ::testing::internal::CaptureStderr();
  {
    TimeoutMonitor monitor;
    TimeoutMonitor::Watch* const one = monitor.add(0.01, nullptr);
    TimeoutMonitor::Watch* const other = monitor.add(0.01, nullptr);
    std::this_thread::sleep_for(milliseconds(2500));
    EXPECT_TRUE(monitor.remove(one));
    EXPECT_TRUE(monitor.remove(other));
  }
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("0.01 s"));
  EXPECT_EQ(said.find('\n'), said.size() - 1) << said;
}

TEST(TimeoutMonitorTest, SaysNothingOfATaskThatEndsWhenAsked) {
  ::testing::internal::CaptureStderr();
  {
    TimeoutMonitor monitor;
    TimeoutMonitor::Watch* const watch = monitor.add(0.01, nullptr);
    wait_for_stop(*watch);
    monitor.remove(watch);
    std::this_thread::sleep_for(milliseconds(2200));
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace furrow::pool
