#include "plan/ready_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

namespace furrow::plan {
namespace {

using ::testing::ElementsAre;

class ReadyQueueTest : public ::testing::Test {
 protected:
  ReadyQueueTest() { budget.set_limit(kCores, 8); }
  std::vector<JobId> pop_all() {
    std::vector<JobId> order;
    while (const auto id = queue.pop_fitting(budget, resources)) order.push_back(*id);
    return order;
  }
  Resources resources;
  Budget budget;
  ReadyQueue queue;
};

TEST_F(ReadyQueueTest, OrdersByUrgencyPriorityDepthAndAge) {
  const DemandId one = resources.demand({1});
  queue.push(0, {.demand = one});
  queue.push(1, {.demand = one, .depth = 3});
  queue.push(2, {.demand = one, .priority = -1, .depth = 9});
  queue.push(3, {.demand = one, .priority = 1});
  queue.push(4, {.demand = one, .urgent = true});
  queue.push(5, {.demand = one});
  EXPECT_THAT(queue.peek(4), ElementsAre(4, 3, 1, 0));
  EXPECT_THAT(pop_all(), ElementsAre(4, 3, 1, 0, 5, 2));
  EXPECT_TRUE(queue.empty());
}

TEST_F(ReadyQueueTest, PopsTheBestJobThatFits) {
  queue.push(0, {.demand = resources.demand({9}), .priority = 9});
  queue.push(1, {.demand = resources.demand({8})});
  queue.push(2, {.demand = resources.demand({1}), .priority = -1});
  EXPECT_EQ(queue.pop_fitting(budget, resources), 1u);
  budget.take({8});
  EXPECT_EQ(queue.pop_fitting(budget, resources), std::nullopt);
  EXPECT_EQ(queue.size(), 2u);
  budget.give_back({8});
  EXPECT_EQ(queue.pop_fitting(budget, resources), 2u);
}

// Checks the queue against the simplest correct one: a sorted list.
TEST_F(ReadyQueueTest, AgreesWithASortedList) {
  std::mt19937 random(7);
  struct Known {
    JobId id;
    Job job;
  };
  std::vector<Known> known;
  const auto better = [](const Known& a, const Known& b) {
    return std::tuple(b.job.urgent, b.job.priority, b.job.depth, a.id) <
           std::tuple(a.job.urgent, a.job.priority, a.job.depth, b.id);
  };
  for (JobId id = 0; id < 3000; ++id) {
    const Job job{.demand = resources.demand({static_cast<Amount>(random() % 12)}),
                  .priority = static_cast<std::int32_t>(random() % 3),
                  .depth = static_cast<std::uint32_t>(random() % 3),
                  .urgent = random() % 10 == 0};
    queue.push(id, job);
    known.push_back({id, job});
    if (random() % 3 != 0) continue;
    std::sort(known.begin(), known.end(), better);
    std::vector<JobId> expected;
    for (std::size_t i = 0; i < std::min<std::size_t>(10, known.size()); ++i) expected.push_back(known[i].id);
    ASSERT_EQ(queue.peek(10), expected);
    const auto best = std::find_if(known.begin(), known.end(), [&](const Known& k) {
      return budget.fits(resources.amounts(k.job.demand));
    });
    const auto popped = queue.pop_fitting(budget, resources);
    ASSERT_EQ(popped, best == known.end() ? std::nullopt : std::optional(best->id));
    if (best != known.end()) known.erase(best);
  }
  EXPECT_EQ(queue.size(), known.size());
}

TEST_F(ReadyQueueTest, ManyDistinctDemandsStayCheap) {
  // If each pop looked at all lines, this would take longer than a test may.
  constexpr JobId kJobs = 300'000;
  budget.set_limit(resources.index("mem_mb"), 1'000'000);
  for (JobId id = 0; id < kJobs; ++id)
    queue.push(id, {.demand = resources.demand({1, static_cast<Amount>(id)})});
  EXPECT_EQ(pop_all().size(), kJobs);
}

TEST_F(ReadyQueueTest, PeekingAtAnEmptyQueueFindsNothing) { EXPECT_TRUE(queue.peek(5).empty()); }

}  // namespace
}  // namespace furrow::plan
