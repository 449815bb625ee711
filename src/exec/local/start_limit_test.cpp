#include "exec/local/start_limit.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace furrow::exec {
namespace {

TEST(StartLimit, LetsHalfAsManyRunAfterARefusal) {
  StartLimit limit(100);
  EXPECT_EQ(limit.allowed(), 100u);
  limit.refused(40, 0);
  EXPECT_EQ(limit.allowed(), 20u);
  for (int i = 0; i < 19; ++i) limit.ended();
  EXPECT_EQ(limit.allowed(), 20u);
  limit.ended();
  EXPECT_EQ(limit.allowed(), 21u);
  limit.refused(1, 0);
  EXPECT_EQ(limit.allowed(), 1u);
}

TEST(StartLimit, NeverAllowsMoreThanBefore) {
  StartLimit limit(2);
  limit.refused(2, 0);
  for (int i = 0; i < 5; ++i) limit.ended();
  EXPECT_EQ(limit.allowed(), 2u);
}

TEST(StartLimit, GivesUpOnlyIfNothingRunsForLong) {
  StartLimit limit(10);
  limit.refused(3, 0);
  EXPECT_FALSE(limit.gives_up(0, 1000));
  limit.refused(0, 1000);
  EXPECT_FALSE(limit.gives_up(0, 1000 + StartLimit::kPatience_s / 2));
  limit.refused(0, 1000 + StartLimit::kPatience_s / 2);
  EXPECT_TRUE(limit.gives_up(0, 1000 + StartLimit::kPatience_s));
  EXPECT_FALSE(limit.gives_up(1, 1000 + StartLimit::kPatience_s));
  limit.started();
  EXPECT_FALSE(limit.gives_up(0, 1000 + StartLimit::kPatience_s));
}

TEST(StartLimit, KnowsWhichErrorsPass) {
  EXPECT_TRUE(StartLimit::is_passing(EAGAIN) && StartLimit::is_passing(EMFILE) &&
              StartLimit::is_passing(ENOMEM));
  EXPECT_FALSE(StartLimit::is_passing(ENOENT) || StartLimit::is_passing(EACCES) || StartLimit::is_passing(0));
}

}  // namespace
}  // namespace furrow::exec
