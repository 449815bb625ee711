#include "furrow/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <type_traits>
#include <vector>

namespace furrow {
namespace {

using ::testing::ElementsAre;

static_assert(std::uniform_random_bit_generator<Philox>);
static_assert(std::is_trivially_copyable_v<Philox>);
constexpr unsigned long long kMost = ~0ULL;

std::vector<std::uint64_t> draw(Philox random, int count) {
  std::vector<std::uint64_t> drawn(count);
  for (auto& x : drawn) x = random();
  return drawn;
}

// From numpy 1.24: np.random.Philox(key=[seed, stream], counter=[0, 0, index, 0]).random_raw(9), with arrays
// of type uint64.
TEST(Random, GivesTheSameNumbersAsNumpy) {
  EXPECT_THAT(draw(Philox(), 9), ElementsAre(0x2f4ba6408e4d89b, 0x3dd62b0b9ca8c5b2, 0x1c8667a55d902e79,
                                             0x907d7a052fd5b4dc, 0x809bf322883987c3, 0x471128b9e807f7dd,
                                             0xf250ba0dbec065b7, 0xfc6ed66767a457bc, 0x40fa86f0f781945d));
  EXPECT_THAT(draw(Philox(1, 2, 3), 9),
              ElementsAre(0xb80c61029cf23fb9, 0x6948ba153429f0e5, 0xbd64a89cbb089f6, 0xb6c59ebaa3d884ec,
                          0xbc7a4ffc198ffe21, 0x5ab64a25e7db67e7, 0x5d234731261999cc, 0x9b1fc5d0d5d44930,
                          0x7b3c4b4ed4e4f638));
  EXPECT_THAT(draw(Philox(~0ULL, (1ULL << 63) + 5, ~0ULL), 9),
              ElementsAre(0x1fea2a443d06eb0e, 0xf887e116b3ae78de, 0x6f90dbed39ffd9be, 0x5151016f001cd470,
                          0x77f0bc473d4ee20d, 0x19c43a449d9988ba, 0x9f7f5695d00dc81, 0xd22fdf5d88ecacfd,
                          0x2cc31f4b554a1bd6));
}

TEST(Random, CarriesAsNumpyDoes) {
  Philox random(1, 2, 3);
  for (int i = 0; i < 4; ++i) random.discard(kMost - 3);
  random.discard(8);  // 2^64 - 2 blocks were drawn so far: counter=[2**64 - 2, 0, 3, 0]
  EXPECT_THAT(draw(random, 5), ElementsAre(0xf218f33e00fec598, 0x3605280ea4b9b512, 0x7b5ea4f27fea0c85,
                                           0xecdcaa4795188356, 0xa5cbf56c7cc2aa0c));
}

TEST(Random, DiscardingIsTheSameAsDrawing) {
  for (int before = 0; before < 6; ++before) {
    for (unsigned long long count = 0; count < 14; ++count) {
      Philox discarding(5), drawing(5);
      for (int i = 0; i < before; ++i) discarding(), drawing();
      discarding.discard(count);
      for (unsigned long long i = 0; i < count; ++i) drawing();
      EXPECT_EQ(discarding, drawing) << before << ' ' << count;
      EXPECT_EQ(discarding(), drawing());
    }
  }
}

TEST(Random, EqualGeneratorsGiveTheSameNumbers) {
  Philox a(1, 2, 3), b(1, 2, 3);
  EXPECT_EQ(a, b);
  a();
  EXPECT_NE(a, b);
  const Philox copy = a;
  EXPECT_EQ(copy, a);
  EXPECT_EQ(draw(copy, 10), draw(a, 10));
  EXPECT_NE(Philox(1, 2, 3), Philox(0, 2, 3));
  EXPECT_NE(Philox(1, 2, 3), Philox(1, 0, 3));
  EXPECT_NE(Philox(1, 2, 3), Philox(1, 2, 0));
}

TEST(Random, Uniform01GivesTheSameNumbersAsNumpy) {
  Philox random(42, 1, 7);
  EXPECT_EQ(random.uniform01(), 0x1.aa6876a97b000p-11);
  EXPECT_EQ(random.uniform01(), 0.9727340160495468);
  EXPECT_EQ(random.uniform01(), 0.5162124243634899);
}

// From Python 3.11: statistics.NormalDist().inv_cdf(((x >> 12) + 0.5) / 2**52).
TEST(Random, NormalIsTheInverseOfTheDistributionFunction) {
  Philox random(42, 1, 7);
  for (const double expected : {-0x1.9356f3b57078ap+1, 0x1.ec2ea5605ff42p+0, 0x1.4d00a0bd0f298p-5,
                                -0x1.a88851fec07dfp-3, 0x1.31953e393b5b8p+0, -0x1.a06cf4b1a4a85p+0}) {
    EXPECT_DOUBLE_EQ(random.normal(), expected);
  }
}

TEST(Random, NormalHasTheMomentsOfTheNormalDistribution) {
  Philox random(3);
  constexpr int kCount = 400'000;
  double sum = 0, squares = 0, fourth = 0, largest = 0;
  int below_minus_two = 0;
  for (int i = 0; i < kCount; ++i) {
    const double x = random.normal();
    sum += x, squares += x * x, fourth += x * x * x * x;
    below_minus_two += x < -2;
    largest = std::max(largest, std::fabs(x));
  }
  EXPECT_NEAR(sum / kCount, 0, 5 / std::sqrt(kCount));
  EXPECT_NEAR(squares / kCount, 1, 5 * std::sqrt(2.0 / kCount));
  EXPECT_NEAR(fourth / kCount, 3, 5 * std::sqrt(96.0 / kCount));
  EXPECT_NEAR(below_minus_two, 0.0227501 * kCount, 5 * std::sqrt(0.0222 * kCount));
  EXPECT_GT(largest, 4);
  EXPECT_LT(largest, 6);
}

TEST(Random, BelowIsTheUpperHalfOfTheProduct) {
  Philox random(42, 1, 7);
  std::vector<std::uint64_t> drawn(6);
  for (auto& x : drawn) x = random.below(1000);
  EXPECT_THAT(drawn, ElementsAre(0, 972, 516, 417, 883, 51));
  EXPECT_EQ(random.below(1), 0u);
  Philox all(1), raw(1);
  EXPECT_EQ(all.below(0), raw());
}

// Without rejection, multiples of 3 would come up twice as often as each of the others.
TEST(Random, BelowIsNotBiased) {
  constexpr std::uint64_t kRange = 3ULL << 62;
  constexpr int kCount = 60'000;
  Philox random(9);
  int counts[3] = {};
  for (int i = 0; i < kCount; ++i) {
    const std::uint64_t x = random.below(kRange);
    ASSERT_LT(x, kRange);
    ++counts[x % 3];
  }
  for (const int count : counts) EXPECT_NEAR(count, kCount / 3, 5 * std::sqrt(kCount * 2 / 9.0));
}

TEST(Random, NeighbouringStreamsAreUnrelated) {
  constexpr int kCount = 20'000;
  double products[3] = {};
  for (int i = 0; i < kCount; ++i) {
    const auto centred = [](Philox random) { return random.uniform01() - 0.5; };
    const std::uint64_t n = static_cast<std::uint64_t>(i);
    products[0] += centred(Philox(n)) * centred(Philox(n + 1));
    products[1] += centred(Philox(1, n)) * centred(Philox(1, n + 1));
    products[2] += centred(Philox(1, 1, n)) * centred(Philox(1, 1, n + 1));
  }
  for (const double product : products) EXPECT_NEAR(product / kCount, 0, 5 / (12 * std::sqrt(kCount)));
}

TEST(Random, WorksWithTheStandardLibrary) {
  std::vector<int> numbers(100);
  std::iota(numbers.begin(), numbers.end(), 0);
  Philox random(1);
  std::shuffle(numbers.begin(), numbers.end(), random);
  EXPECT_FALSE(std::is_sorted(numbers.begin(), numbers.end()));
  EXPECT_LT(std::uniform_int_distribution<int>(0, 9)(random), 10);
}

}  // namespace
}  // namespace furrow
