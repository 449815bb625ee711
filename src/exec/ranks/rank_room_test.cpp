#include "exec/ranks/rank_room.hpp"

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

TEST(RankRoomTest, AnAttemptGoesWhereMostCoresAreFree) {
  RankRoom room({{2, 0}, {4, 0}}, true);
  EXPECT_THAT(room.place_for({.cores = 1}, false), Optional(1u));
  room.take(1, {.cores = 3}, 0);
  EXPECT_THAT(room.place_for({.cores = 1}, false), Optional(0u));
  EXPECT_EQ(room.place_for({.cores = 3}, false), std::nullopt);
  room.give_back(1, {.cores = 3});
  EXPECT_EQ(room.left(), 6);
}

TEST(RankRoomTest, WhatAsksForMoreThanThereIsGetsAllOfTheLargestRankThatCanRunIt) {
  const RankRoom room({{2, 1000}, {4, 300}}, true);
  const RankNeeds fitted = room.fit({.cores = 9, .memory_mb = 5000});
  EXPECT_EQ(fitted.cores, 4);
  EXPECT_EQ(fitted.memory_mb, 300);
}

TEST(RankRoomTest, ShortJobsAreSentAheadUntilTheyAreStuckBehindALongOne) {
  RankRoom room({{0, 0}, {1, 0}}, true);
  room.take(1, {}, 0);
  EXPECT_EQ(room.place_for({}, true), std::nullopt);  // how long jobs take is not known yet
  room.give_back(1, {});
  room.ended(1, ended_after(0.005), 1);
  room.take(1, {}, 1);
  EXPECT_THAT(room.place_for({}, true), Optional(1u));
  EXPECT_EQ(room.place_for({}, false), std::nullopt);
  room.take(1, {}, 1);
  EXPECT_THAT(room.newly_stuck(1.05), IsEmpty());
  EXPECT_THAT(room.newly_stuck(1.2), ElementsAre(1));
  EXPECT_THAT(room.newly_stuck(1.3), IsEmpty());
  EXPECT_EQ(room.place_for({}, true), std::nullopt);
}

}  // namespace
}  // namespace furrow::exec
