#include "plan/resources.hpp"

#include <gtest/gtest.h>

namespace furrow::plan {
namespace {

TEST(Resources, CoresComeFirstAndNamesKeepTheirIndex) {
  Resources resources;
  EXPECT_EQ(resources.index("_cores"), kCores);
  const std::size_t memory = resources.index("mem_mb");
  EXPECT_EQ(resources.index("mem_mb"), memory);
  EXPECT_EQ(resources.name(memory), "mem_mb");
  EXPECT_EQ(resources.size(), 2u);
}

TEST(Resources, EqualDemandsShareAnId) {
  Resources resources;
  const DemandId one = resources.demand({1, 100});
  EXPECT_EQ(resources.demand({1, 100}), one);
  EXPECT_EQ(resources.demand({1, 100, 0, 0}), one) << "amounts past the end are zero";
  EXPECT_NE(resources.demand({1, 101}), one);
  for (Amount i = 0; i < 1000; ++i) resources.demand({i, i});
  EXPECT_EQ(resources.amounts(one), (Amounts{1, 100}));
}

TEST(Budget, FitsUntilUsedUpAndAgainAfterGiveBack) {
  Budget budget;
  budget.set_limit(kCores, 4);
  EXPECT_TRUE(budget.fits({4}));
  budget.take({3});
  EXPECT_TRUE(budget.fits({1}));
  EXPECT_FALSE(budget.fits({2}));
  budget.give_back({3});
  EXPECT_TRUE(budget.fits({4}));
}

TEST(Budget, AResourceWithoutALimitIsNeverUsedUp) {
  Budget budget;
  budget.set_limit(2, 10);
  EXPECT_EQ(budget.limit(0), kUnlimited);
  EXPECT_EQ(budget.limit(7), kUnlimited);
  for (int i = 0; i < 1000; ++i) budget.take({1'000'000'000'000'000'000, 5, 0, 7});
  EXPECT_TRUE(budget.fits({1'000'000'000'000'000'000, 5, 10, 7}));
  EXPECT_FALSE(budget.fits({0, 0, 11}));
}

TEST(Budget, ALimitOfZeroExcludesOnlyDemandsForThatResource) {
  Budget budget;
  budget.set_limit(1, 0);
  EXPECT_TRUE(budget.fits({1}));
  EXPECT_TRUE(budget.fits({1, 0}));
  EXPECT_FALSE(budget.fits({1, 1}));
}

}  // namespace
}  // namespace furrow::plan
