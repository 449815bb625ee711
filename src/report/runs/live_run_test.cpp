#include "report/runs/live_run.hpp"

#include <gtest/gtest.h>

namespace furrow::report {
namespace {

class LiveRunTest : public testing::Test {
 protected:
  void SetUp() override {
    run_.on_run({.run = "r", .began_at = 100, .cores = 2});
    run_.on_plan({{"slow", 4, 1}, {"quick", 2, 0}});
    run_.on_total(6);
  }
  void start(std::uint32_t job, const char* rule, double at, int attempt = 1) {
    run_.on_start({.job = job, .attempt = attempt, .at = at, .rule = rule, .wildcards = "s=1", .key = "k"});
  }
  void end(std::uint32_t job, store::JobEnd::State state, double took_s, bool will_retry = false) {
    run_.on_end(
        {.job = job, .state = state, .will_retry = will_retry, .at = 110, .wall_s = took_s, .status = 3});
  }
  LiveRun run_;
};

using State = store::JobEnd::State;

TEST_F(LiveRunTest, KnowsOnWhichMachineAJobHasBegun) {
  start(0, "slow", 100);
  start(1, "slow", 100);
  run_.on_place({.job = 1, .host = "node1"});
  run_.on_place({.job = 7, .host = "node2"});  // it has ended, or its start was lost
  EXPECT_EQ(run_.running().at(0).host, "");
  EXPECT_EQ(run_.running().at(1).host, "node1");
}

TEST_F(LiveRunTest, CountsWhatRunsAndHasEnded) {
  start(0, "slow", 100);
  start(1, "quick", 100);
  start(2, "quick", 101);
  end(1, State::kDone, 1);
  end(2, State::kFailed, 1);
  run_.on_skipped(1);
  EXPECT_EQ(run_.done(), 1u);
  EXPECT_EQ(run_.failed(), 1u);
  EXPECT_EQ(run_.running().size(), 1u);
  EXPECT_EQ(run_.waiting(), 2u);
  EXPECT_EQ(run_.up_to_date(), 1u);
  ASSERT_EQ(run_.failures().size(), 1u);
  EXPECT_EQ(run_.failures().front().status, 3);
}

TEST_F(LiveRunTest, AnAttemptThatIsTriedAgainHasNotFailedForGood) {
  start(2, "quick", 100);
  end(2, State::kFailed, 1, true);
  EXPECT_EQ(run_.failed(), 0u);
  EXPECT_EQ(run_.waiting(), 6u);
  EXPECT_TRUE(run_.failures().front().will_retry);
  start(2, "quick", 111, 2);
  end(2, State::kDone, 1);
  EXPECT_EQ(run_.done(), 1u);
}

TEST_F(LiveRunTest, TheTimeLeftComesFromEarlierRunsOfTheSameRules) {
  start(0, "slow", 100);
  start(1, "slow", 100);
  EXPECT_FALSE(run_.remaining_s(104, {{"slow", 10}}));  // nothing is known of the other rule
  // Two running jobs with 6 s left each, and two of 10 s and two of 1 s that wait: 34 s on two cores.
  EXPECT_DOUBLE_EQ(run_.remaining_s(104, {{"slow", 10}, {"quick", 1}}).value(), 17);
}

TEST_F(LiveRunTest, WhatThisRunHasMeasuredCountsMore) {
  start(0, "slow", 100);
  end(0, State::kDone, 2);
  start(1, "slow", 102);
  EXPECT_DOUBLE_EQ(run_.remaining_s(103, {{"slow", 100}, {"quick", 1}}).value(), 1 + 2 * 2 + 2 * 1);
}

TEST_F(LiveRunTest, KeepsOnlyTheLastFailures) {
  for (std::uint32_t job = 0; job < 1000; ++job) {
    start(job, "quick", 100);
    end(job, State::kFailed, 1);
  }
  EXPECT_EQ(run_.failure_number(), 1000u);
  EXPECT_LE(run_.failures().size(), 200u);
}

}  // namespace
}  // namespace furrow::report
