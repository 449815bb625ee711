#include "pool/map/work_stealing_ranges.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace furrow::pool {
namespace {

struct TestRanges {
  explicit TestRanges(int workers)
      : slots(static_cast<std::size_t>(workers)), ranges(slots.data(), workers) {}
  std::vector<RangeSlot> slots;
  WorkStealingRanges ranges;
};

TEST(WorkStealingRanges, GivesEachWorkerAnEvenConsecutiveRange) {
  TestRanges four(4);
  four.ranges.fill(10, 1);
  EXPECT_EQ(four.ranges.peek(0).begin, 0u);
  EXPECT_EQ(four.ranges.peek(0).size(), 3u);
  EXPECT_EQ(four.ranges.peek(1).size(), 3u);
  EXPECT_EQ(four.ranges.peek(2).size(), 2u);
  EXPECT_EQ(four.ranges.peek(3).end, 10u);
}

TEST(WorkStealingRanges, NeverSplitsAGrain) {
  TestRanges two(2);
  two.ranges.fill(25, 10);
  std::vector<std::uint64_t> sizes;
  for (IndexRange range = two.ranges.claim(0, 1); !range.empty(); range = two.ranges.claim(0, 1))
    sizes.push_back(range.size());
  EXPECT_EQ(sizes, (std::vector<std::uint64_t>{10, 10, 5}));
}

TEST(WorkStealingRanges, LeavesHalfOfItsRangeToThieves) {
  TestRanges one(1);
  one.ranges.fill(100, 1);
  EXPECT_EQ(one.ranges.claim(0, 1000).size(), 50u);
  EXPECT_EQ(one.ranges.claim(0, 1000).size(), 25u);
}

TEST(WorkStealingRanges, StealsFromTheFullestRangeWhenItsOwnIsEmpty) {
  TestRanges three(3);
  three.ranges.fill(30, 1);
  while (!three.ranges.claim_own(0, 10).empty()) {
  }
  three.ranges.claim_own(1, 4);
  const IndexRange stolen = three.ranges.claim(0, 1);
  EXPECT_GE(stolen.begin, 20u);  // worker 2 has not begun
}

TEST(WorkStealingRanges, HoldsMoreIndicesThanFitIn32Bits) {
  TestRanges two(2);
  const std::uint64_t indices = std::uint64_t{5} << 32;
  two.ranges.fill(indices, 1);
  EXPECT_EQ(two.ranges.peek(1).end, indices);
  EXPECT_EQ(two.ranges.grain(), 6u);
}

TEST(WorkStealingRanges, HandsOutEveryIndexOnceToConcurrentWorkers) {
  constexpr int kWorkers = 4;
  constexpr std::uint64_t kIndices = 200'000;
  TestRanges test(kWorkers);
  test.ranges.fill(kIndices, 1);
  std::vector<std::vector<IndexRange>> claimed(kWorkers);
  {
    std::vector<std::jthread> workers;
    for (int w = 0; w < kWorkers; ++w)
      workers.emplace_back([&, w] {
        for (IndexRange range = test.ranges.claim(w, 3); !range.empty(); range = test.ranges.claim(w, 3))
          claimed[static_cast<std::size_t>(w)].push_back(range);
      });
  }
  std::vector<int> times(kIndices, 0);
  for (const auto& ranges : claimed)
    for (const IndexRange& range : ranges)
      for (std::uint64_t i = range.begin; i < range.end; ++i) ++times[i];
  EXPECT_EQ(times, std::vector<int>(kIndices, 1));
}

TEST(ChunkSizer, GrowsToAboutFiftyMicrosecondsOfCheapTasks) {
  ChunkSizer sizer(0);
  EXPECT_EQ(sizer.next(), 1u);
  for (int i = 0; i < 10; ++i) sizer.measured(sizer.next(), sizer.next() * 10);
  EXPECT_EQ(sizer.next(), 5000u);
}

TEST(ChunkSizer, TakesLongTasksSinglyAndGrowsSlowly) {
  ChunkSizer sizer(0);
  sizer.measured(1, 10);
  EXPECT_LE(sizer.next(), 16u);  // one cheap task says little about the next ones
  sizer.measured(16, 160'000'000);
  EXPECT_EQ(sizer.next(), 1u);
}

TEST(ChunkSizer, KeepsAGivenSize) {
  ChunkSizer sizer(7);
  sizer.measured(7, 1);
  EXPECT_EQ(sizer.next(), 7u);
}

TEST(WorkStealingRanges, TakeAWordThatCannotBeRightForAnEmptyRange) {
  for (const std::uint64_t garbage :
       {~std::uint64_t{0}, std::uint64_t{9} << 32 | 3, std::uint64_t{4} << 32 | 900}) {
    RangeSlot slots[2];
    WorkStealingRanges ranges(slots, 2);
    ranges.fill(8, 1);
    slots[1].range.store(garbage);
    EXPECT_TRUE(ranges.claim_own(1, 5).empty());
    EXPECT_TRUE(ranges.peek(1).empty());
    EXPECT_TRUE(ranges.claimed(1, garbage).empty());
    std::uint64_t claimed = 0;
    for (IndexRange now; !(now = ranges.claim(0, 100)).empty();) claimed += now.size();
    EXPECT_EQ(claimed, 4u);
  }
}

}  // namespace
}  // namespace furrow::pool
