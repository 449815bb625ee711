#include "farm/shares.hpp"

#include <gtest/gtest.h>

namespace furrow::farm {
namespace {

class SharesTest : public testing::Test {
 protected:
  SharesTest() : memory(resources.index("mem_mb")), discs(resources.index("discs")) {
    budget.set_limit(plan::kCores, 2);
    budget.set_limit(memory, 100);
  }

  plan::Resources resources;
  const std::size_t memory, discs;
  plan::Budget budget;
};

TEST_F(SharesTest, TakeOfEachResourceAtMostItsLimit) {
  Shares shares(resources, budget);
  shares.grow(2);
  const plan::DemandId most = shares.set(0, resources.demand({2, 100}));
  EXPECT_EQ(shares.set(1, resources.demand({8, 5000})), most);
  EXPECT_EQ(shares.of(1), most);
}

TEST_F(SharesTest, TakeNothingOfAResourceWithoutLimit) {
  Shares shares(resources, budget);
  shares.grow(2);
  const plan::DemandId one = shares.set(0, resources.demand({1, 10, 7}));
  EXPECT_EQ(shares.set(1, resources.demand({1, 10, 900})), one);
}

TEST_F(SharesTest, AreGivenBackAsTheyWereTaken) {
  Shares shares(resources, budget);
  shares.grow(2);
  shares.set(0, resources.demand({8, 60}));
  shares.set(1, resources.demand({1, 60}));
  shares.take(0);
  EXPECT_FALSE(shares.has_free_core());
  EXPECT_FALSE(shares.budget().fits(resources.amounts(shares.of(1))));
  shares.give_back(0);
  EXPECT_TRUE(shares.has_free_core());
  EXPECT_TRUE(shares.budget().fits(resources.amounts(shares.of(1))));
}

TEST_F(SharesTest, CountTheCoresThatAreThere) {
  Shares shares(resources, budget);
  EXPECT_EQ(shares.cores(resources.demand({8})), 2);
  EXPECT_EQ(shares.cores(resources.demand({1})), 1);
  EXPECT_EQ(shares.cores(resources.demand({})), 0);
}

}  // namespace
}  // namespace furrow::farm
