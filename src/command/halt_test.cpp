#include "command/halt.hpp"

#include <gtest/gtest.h>

namespace furrow::command {
namespace {

using When = HaltRule::When;
using Why = HaltRule::Why;

TEST(HaltPolicy, CountsFailedJobsUpTo101) {
  HaltPolicy policy({}, 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(policy.ended(false, 7, 0), When::kNever);
  EXPECT_EQ(policy.exit_code(), 3);
  for (int i = 0; i < 300; ++i) policy.ended(false, 7, 0);
  EXPECT_EQ(policy.exit_code(), 101);
}

TEST(HaltPolicy, TheFailedJobGivesTheExitCode) {
  HaltPolicy policy({When::kNow, Why::kFail, 1}, 0);
  EXPECT_EQ(policy.ended(true, 0, 0), When::kNever);
  EXPECT_EQ(policy.ended(false, 3, 0), When::kNow);
  EXPECT_EQ(policy.exit_code(), 3);
}

TEST(HaltPolicy, ASignalIsAddedTo128) {
  HaltPolicy policy({When::kSoon, Why::kFail, 1}, 0);
  EXPECT_EQ(policy.ended(false, 0, 9), When::kSoon);
  EXPECT_EQ(policy.exit_code(), 137);
}

TEST(HaltPolicy, TheFirstJobToReachTheLimitDecides) {
  HaltPolicy policy({When::kSoon, Why::kFail, 1}, 0);
  policy.ended(false, 3, 0);
  policy.ended(false, 4, 0);
  EXPECT_EQ(policy.exit_code(), 3);
}

TEST(HaltPolicy, SeveralFailuresGiveTheirCount) {
  HaltPolicy policy({When::kSoon, Why::kFail, 2}, 0);
  EXPECT_EQ(policy.ended(false, 3, 0), When::kNever);
  EXPECT_EQ(policy.ended(false, 7, 0), When::kSoon);
  EXPECT_EQ(policy.exit_code(), 2);
}

TEST(HaltPolicy, APercentageOfAllGivesThePercentage) {
  HaltPolicy policy({When::kSoon, Why::kFail, 50, true}, 4);
  policy.ended(true, 0, 0);
  EXPECT_EQ(policy.ended(false, 3, 0), When::kNever);
  EXPECT_EQ(policy.ended(false, 7, 0), When::kSoon);
  EXPECT_EQ(policy.exit_code(), 50);
}

TEST(HaltPolicy, EnoughSuccessesExitWithZero) {
  HaltPolicy policy({When::kNow, Why::kSuccess, 1}, 0);
  EXPECT_EQ(policy.ended(false, 2, 0), When::kNever);
  EXPECT_EQ(policy.ended(true, 0, 0), When::kNow);
  EXPECT_EQ(policy.exit_code(), 0);
}

TEST(HaltPolicy, TooFewSuccessesGiveTheNumberOfFailures) {
  HaltPolicy policy({When::kNow, Why::kSuccess, 3}, 0);
  policy.ended(false, 2, 0);
  policy.ended(false, 2, 0);
  EXPECT_EQ(policy.exit_code(), 2);
}

}  // namespace
}  // namespace furrow::command
