#include "pool/map/power_sums.hpp"

#include <gtest/gtest.h>

namespace furrow::pool {
namespace {

PowerSums sums_of(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> ranges) {
  PowerSums sums;
  for (const auto& [begin, end] : ranges) sums.add(begin, end);
  return sums;
}

TEST(PowerSums, AreThoseOfAllNumbersIfEachWasAddedOnce) {
  EXPECT_EQ(sums_of({}), PowerSums::below(0));
  EXPECT_EQ(sums_of({{3, 9}, {0, 1}, {1, 3}}), PowerSums::below(9));
  constexpr std::uint64_t kMany = std::uint64_t{1} << 60;
  EXPECT_EQ(sums_of({{kMany / 3, kMany}, {5, kMany / 3}, {0, 4}, {4, 5}}), PowerSums::below(kMany));
  for (std::uint64_t end = 0; end < 50; ++end) {
    PowerSums one_by_one;
    for (std::uint64_t i = 0; i < end; ++i) one_by_one.add(i, i + 1);
    ASSERT_EQ(one_by_one, PowerSums::below(end)) << end;
  }
}

TEST(PowerSums, DifferIfOneWasAddedInPlaceOfAnother) {
  EXPECT_NE(sums_of({{0, 5}, {4, 5}, {6, 10}}), PowerSums::below(10));
  EXPECT_NE(sums_of({{0, 4}, {3, 4}, {6, 7}, {6, 10}}), PowerSums::below(10)) << "with the same sum";
}

}  // namespace
}  // namespace furrow::pool
