#include "os/terminal/progress_line.hpp"

#include <gtest/gtest.h>

namespace furrow::os {
namespace {

TEST(ProgressText, CountsOverTheTotalAndTellsTheRemainingTime) {
  EXPECT_EQ(progress_text({.done = 12, .failed = 3, .running = 2, .total = 40, .elapsed_s = 5}),
            "12/40  2 running  3 failed  3/s  8.3 s left");
}

TEST(ProgressText, KnowsNoRemainingTimeWithoutATotal) {
  EXPECT_EQ(progress_text({.done = 12, .elapsed_s = 6}), "12 done  2/s");
}

TEST(ProgressText, LeavesEarlierResultsOutOfTheSpeed) {
  EXPECT_EQ(progress_text({.done = 30, .total = 30, .elapsed_s = 10, .earlier = 20}),
            "30/30  1/s  0.0 s left");
}

TEST(ProgressText, IsAtZeroBeforeAnythingHasEnded) { EXPECT_EQ(progress_text({.total = 4}), "0/4  0/s"); }

}  // namespace
}  // namespace furrow::os
