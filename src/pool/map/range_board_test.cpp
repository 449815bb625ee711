#include "pool/map/range_board.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace furrow::pool {
namespace {

struct Board {
  explicit Board(int workers) : slots(static_cast<std::size_t>(workers)), board(slots.data(), workers) {}
  std::vector<RangeSlot> slots;
  RangeBoard board;
};

TEST(RangeBoard, SharesOutEvenlyAndNeighboursTogether) {
  Board four(4);
  four.board.fill(10, 1);
  EXPECT_EQ(four.board.peek(0).begin, 0u);
  EXPECT_EQ(four.board.peek(0).size(), 3u);
  EXPECT_EQ(four.board.peek(1).size(), 3u);
  EXPECT_EQ(four.board.peek(2).size(), 2u);
  EXPECT_EQ(four.board.peek(3).end, 10u);
}

TEST(RangeBoard, NeverPartsAGrain) {
  Board two(2);
  two.board.fill(25, 10);
  std::vector<std::uint64_t> sizes;
  for (Span span = two.board.claim(0, 1); !span.empty(); span = two.board.claim(0, 1))
    sizes.push_back(span.size());
  EXPECT_EQ(sizes, (std::vector<std::uint64_t>{10, 10, 5}));
}

TEST(RangeBoard, LeavesHalfOfItsRangeToThieves) {
  Board one(1);
  one.board.fill(100, 1);
  EXPECT_EQ(one.board.claim(0, 1000).size(), 50u);
  EXPECT_EQ(one.board.claim(0, 1000).size(), 25u);
}

TEST(RangeBoard, TakesFromTheFullestWhereItsOwnIsEmpty) {
  Board three(3);
  three.board.fill(30, 1);
  while (!three.board.claim_own(0, 10).empty()) {
  }
  three.board.claim_own(1, 4);
  const Span stolen = three.board.claim(0, 1);
  EXPECT_GE(stolen.begin, 20u);  // worker 2 has not begun
}

TEST(RangeBoard, HoldsMoreUnitsThan32BitsCount) {
  Board two(2);
  const std::uint64_t units = std::uint64_t{5} << 32;
  two.board.fill(units, 1);
  EXPECT_EQ(two.board.peek(1).end, units);
  EXPECT_EQ(two.board.grain(), 6u);
}

TEST(RangeBoard, HandsOutEveryUnitOnceHoweverManyClaim) {
  constexpr int kWorkers = 4;
  constexpr std::uint64_t kUnits = 200'000;
  Board board(kWorkers);
  board.board.fill(kUnits, 1);
  std::vector<std::vector<Span>> claimed(kWorkers);
  {
    std::vector<std::jthread> workers;
    for (int w = 0; w < kWorkers; ++w)
      workers.emplace_back([&, w] {
        for (Span span = board.board.claim(w, 3); !span.empty(); span = board.board.claim(w, 3))
          claimed[static_cast<std::size_t>(w)].push_back(span);
      });
  }
  std::vector<int> times(kUnits, 0);
  for (const auto& spans : claimed)
    for (const Span& span : spans)
      for (std::uint64_t i = span.begin; i < span.end; ++i) ++times[i];
  EXPECT_EQ(times, std::vector<int>(kUnits, 1));
}

TEST(ChunkSizer, GrowsToSomeTensOfMicrosecondsOfCheapUnits) {
  ChunkSizer sizer(0);
  EXPECT_EQ(sizer.next(), 1u);
  for (int i = 0; i < 10; ++i) sizer.measured(sizer.next(), sizer.next() * 10);
  EXPECT_EQ(sizer.next(), 5000u);
}

TEST(ChunkSizer, TakesLongUnitsSinglyAndGrowsSlowly) {
  ChunkSizer sizer(0);
  sizer.measured(1, 10);
  EXPECT_LE(sizer.next(), 16u);  // one cheap unit says little about the next ones
  sizer.measured(16, 160'000'000);
  EXPECT_EQ(sizer.next(), 1u);
}

TEST(ChunkSizer, ObeysAGivenSize) {
  ChunkSizer sizer(7);
  sizer.measured(7, 1);
  EXPECT_EQ(sizer.next(), 7u);
}

}  // namespace
}  // namespace furrow::pool
