#include "plan/gang_demand.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class GangDemandTest : public ::testing::Test {
 protected:
  Result<Amounts> sum(std::vector<Amounts> amounts) {
    std::vector<DemandId> ids;
    std::vector<std::string> names;
    for (Amounts& each : amounts) {
      ids.push_back(resources.demand(std::move(each)));
      names.push_back("job" + std::to_string(names.size()));
    }
    return gang_amounts(ids, resources, budget, names);
  }
  Resources resources;
  Budget budget;
};

TEST_F(GangDemandTest, AddsUpWhatEachNeeds) {
  resources.index("mem_mb");
  budget.set_limit(kCores, 6);
  EXPECT_THAT(*sum({{1, 100}, {2}, {3, 20}}), ElementsAre(6, 120));
}

TEST_F(GangDemandTest, SaysWhatThereIsNotEnoughOf) {
  const std::size_t memory = resources.index("mem_mb");
  budget.set_limit(kCores, 3);
  const auto cores = sum({{2}, {1}, {1}});
  ASSERT_FALSE(cores);
  EXPECT_THAT(cores.error().message, HasSubstr("job0, job1 and job2 run at once"));
  EXPECT_THAT(cores.error().message, HasSubstr("4 cores, and there are only 3"));
  EXPECT_THAT(cores.error().hint, HasSubstr("-c"));
  budget.set_limit(memory, 50);
  EXPECT_THAT(sum({{1, 30}, {1, 30}}).error().message, HasSubstr("60 mem_mb, and there are only 50"));
}

// As for a job that runs alone.
TEST_F(GangDemandTest, CutsEachJobToTheLimitsFirst) {
  budget.set_limit(kCores, 4);
  EXPECT_THAT(*sum({{64}, {0}}), ElementsAre(4));
}

}  // namespace
}  // namespace furrow::plan
