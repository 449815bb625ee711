#include "exec/ranks/rank_capacity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::exec {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

plan::Exit ended_after(double wall_s) {
  plan::Exit exit;
  exit.usage.wall_s = wall_s;
  return exit;
}

TEST(RankCapacityTest, ChoosesTheRankWithMostFreeCores) {
  RankCapacity capacity({{2, 0}, {4, 0}}, true);
  EXPECT_THAT(capacity.place_for({.cores = 1}, false), Optional(1u));
  capacity.take(1, {.cores = 3}, 0);
  EXPECT_THAT(capacity.place_for({.cores = 1}, false), Optional(0u));
  EXPECT_EQ(capacity.place_for({.cores = 3}, false), std::nullopt);
  capacity.give_back(1, {.cores = 3});
  EXPECT_EQ(capacity.left(), 6);
}

TEST(RankCapacityTest, ReducesNeedsToTheLargestRankThatFits) {
  const RankCapacity capacity({{2, 1000}, {4, 300}}, true);
  const RankNeeds fitted = capacity.fit({.cores = 9, .memory_mb = 5000});
  EXPECT_EQ(fitted.cores, 4);
  EXPECT_EQ(fitted.memory_mb, 300);
}

TEST(RankCapacityTest, SendsShortJobsAheadUntilALongOneBlocksThem) {
  RankCapacity capacity({{0, 0}, {1, 0}}, true);
  capacity.take(1, {}, 0);
  EXPECT_EQ(capacity.place_for({}, true), std::nullopt);  // how long jobs take is not known yet
  capacity.give_back(1, {});
  capacity.ended(1, ended_after(0.005), 1);
  capacity.take(1, {}, 1);
  EXPECT_THAT(capacity.place_for({}, true), Optional(1u));
  EXPECT_EQ(capacity.place_for({}, false), std::nullopt);
  capacity.take(1, {}, 1);
  EXPECT_THAT(capacity.newly_stuck(1.05), IsEmpty());
  EXPECT_THAT(capacity.newly_stuck(1.2), ElementsAre(1));
  EXPECT_THAT(capacity.newly_stuck(1.3), IsEmpty());
  EXPECT_EQ(capacity.place_for({}, true), std::nullopt);
}

}  // namespace
}  // namespace furrow::exec
