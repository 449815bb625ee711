#include "workflow/jobs/group_demand.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::workflow {
namespace {

using ::testing::HasSubstr;

class GroupDemandTest : public testing::Test {
 protected:
  using Resources = std::vector<std::pair<std::string, ResourceValue>>;
  void add(std::uint32_t depth, std::int64_t threads, Resources resources, const std::string& rule = "r") {
    members_.push_back(
        {std::make_shared<JobDemands::Demand>(JobDemands::Demand{threads, std::move(resources)}), depth,
         rule});
  }
  static ResourceValue number(std::int64_t n) { return n; }
  std::int64_t of(const std::string& name, const std::map<std::string, std::int64_t>& limits = {}) {
    const auto demand = demand_of_group(members_, limits);
    EXPECT_TRUE(demand);
    if (name == "threads") return demand->threads;
    for (const auto& [known, value] : demand->resources) {
      if (known == name) return std::get<std::int64_t>(value);
    }
    return -1;
  }
  std::vector<GroupMember> members_;
};

TEST_F(GroupDemandTest, ParallelJobsAddUpAndOfSerialOnesTheLargestCounts) {
  add(0, 2, {{"mem_mb", number(100)}, {"runtime", number(10)}});
  add(0, 1, {{"mem_mb", number(300)}, {"runtime", number(30)}});
  add(1, 4, {{"mem_mb", number(350)}, {"runtime", number(5)}});
  EXPECT_EQ(of("threads"), 4);
  EXPECT_EQ(of("mem_mb"), 400);
  EXPECT_EQ(of("runtime"), 35);
}

TEST_F(GroupDemandTest, JobsThatDoNotFitTogetherRunInLayers) {
  for (int i = 0; i < 6; ++i) add(0, 1, {{"mem_mb", number(1000)}, {"runtime", number(30)}});
  EXPECT_EQ(of("mem_mb"), 6000);
  EXPECT_EQ(of("runtime"), 30);
  EXPECT_EQ(of("mem_mb", {{"mem_mb", 3000}}), 3000);
  EXPECT_EQ(of("runtime", {{"mem_mb", 3000}}), 60);
  EXPECT_EQ(of("threads", {{kCoresLimit, 4}}), 4);
  EXPECT_EQ(of("runtime", {{kCoresLimit, 4}}), 60);
}

TEST_F(GroupDemandTest, LongJobsShareALayer) {
  add(0, 1, {{"runtime", number(10)}});
  add(0, 1, {{"runtime", number(90)}});
  add(0, 1, {{"runtime", number(10)}});
  add(0, 1, {{"runtime", number(90)}});
  EXPECT_EQ(of("runtime", {{kCoresLimit, 2}}), 100);
}

TEST_F(GroupDemandTest, AJobThatAsksForTooMuchGetsTheLimit) {
  add(0, 16, {{"mem_mb", number(9000)}, {"runtime", number(1)}});
  EXPECT_EQ(of("threads", {{kCoresLimit, 4}, {"mem_mb", 100}}), 4);
  EXPECT_EQ(of("mem_mb", {{kCoresLimit, 4}, {"mem_mb", 100}}), 100);
}

TEST_F(GroupDemandTest, ManyEqualJobsAreQuick) {
  for (int i = 0; i < 20'000; ++i) add(0, 1, {{"runtime", number(1)}});
  EXPECT_EQ(of("runtime", {{kCoresLimit, 2}}), 10'000);
}

TEST_F(GroupDemandTest, CpusPerTaskAreCores) {
  add(0, 1, {{"cpus_per_task", number(3)}, {"tasks", number(2)}});
  add(0, 2, {{"tasks", number(2)}});
  EXPECT_EQ(of("threads"), 5);
  EXPECT_EQ(of("tasks"), 2);
}

TEST_F(GroupDemandTest, TextResourcesMustAgree) {
  add(0, 1, {{"slurm_partition", std::string("short")}}, "a");
  add(0, 1, {}, "b");
  ASSERT_TRUE(demand_of_group(members_, {}));
  EXPECT_EQ(std::get<std::string>(demand_of_group(members_, {})->resources.front().second), "short");
  add(1, 1, {{"slurm_partition", std::string("long")}}, "c");
  const auto demand = demand_of_group(members_, {});
  ASSERT_FALSE(demand);
  EXPECT_THAT(demand.error().to_string(),
              HasSubstr("different values of slurm_partition: rule a for short, rule c for long"));
}

}  // namespace
}  // namespace furrow::workflow
