// Data held by ranks. Rank 0 runs the tests, the other ranks serve it. The results must be the same for any
// number of ranks.
#include <gmock/gmock.h>

#include <cmath>
#include <csignal>
#include <string>

#include "furrow/mpi.hpp"
#include "furrow/partitioned.hpp"
#include "furrow/task.hpp"

namespace furrow::testing {
namespace {

using ::testing::ElementsAre;

std::vector<std::uint64_t> indices(std::uint64_t count) {
  std::vector<std::uint64_t> made;
  for (std::uint64_t i = 0; i < count; ++i) made.push_back(i);
  return made;
}

double term(std::uint64_t i) { return std::sin(static_cast<double>(i)) * 1e8 / (static_cast<double>(i) + 1); }
double half(double x) { return x / 2; }

TEST(Partitioned, ReducesToTheSameBitsAsSerial) {
  Pool pool{mpi(2)};
  Pool reference{serial()};
  for (std::uint64_t count : {1u, 2u, 5u, 4096u, 4097u, 100'003u}) {
    auto data = partition(pool, count, term);
    const double expected =
        reference.map_reduce([](std::uint64_t i) { return half(term(i)); }, std::plus<>{}, indices(count));
    EXPECT_EQ(data.map_reduce(half, std::plus<>{}), expected) << count;
    EXPECT_EQ(data.map(half).map_reduce([](double x) { return x; }, std::plus<>{}), expected) << count;
  }
}

TEST(Partitioned, GathersItemsInTheirOrder) {
  Pool pool{mpi(1)};
  auto words =
      partition(pool, 1000, [](std::uint64_t i) { return std::string(i % 7, 'x') + std::to_string(i); });
  auto lengths = words.map([](const std::string& word) { return word.size(); });
  const auto all = words.gather();
  const auto sizes = lengths.gather();
  ASSERT_EQ(all.size(), 1000u);
  for (std::size_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(all[i], std::string(i % 7, 'x') + std::to_string(i));
    ASSERT_EQ(sizes[i], all[i].size());
  }
  EXPECT_EQ(words.size(), 1000u);
}

TEST(Partitioned, SendsBoundValues) {
  Pool pool{mpi(1)};
  const auto scaled = furrow::bind(
      [](const std::vector<int>& table, std::uint64_t i) { return table[i] * 2; }, std::vector<int>{5, 6, 7});
  EXPECT_THAT(partition(pool, 3, scaled).gather(), ElementsAre(10, 12, 14));
}

TEST(Partitioned, MayHaveNoItems) {
  Pool pool{mpi(1)};
  auto none = partition(pool, 0, term);
  EXPECT_TRUE(none.gather().empty());
  EXPECT_THROW(none.map_reduce(half, std::plus<>{}), std::invalid_argument);
}

TEST(Partitioned, KeepsItsDataWhenATaskCrashes) {
  Pool pool{mpi(2)};
  auto data = partition(pool, 100, term);
  const auto crash = [](double x) {
    if (task_index() == 77) std::raise(SIGKILL);
    return x;
  };
  try {
    data.map(crash);
    FAIL() << "nothing was thrown";
  } catch (const WorkerDied& error) {
    EXPECT_EQ(error.index(), 77u);
    EXPECT_EQ(error.signal(), SIGKILL);
  }
  EXPECT_EQ(data.gather()[77], term(77));
  const auto picky = [](double x) { return task_index() == 42 ? throw std::out_of_range("no") : x; };
  EXPECT_THROW(data.for_each(picky), std::out_of_range);
  EXPECT_EQ(data.map_reduce([](double) { return 1; }, std::plus<>{}), 100);
}

TEST(Partitioned, KeysRandomStreamsByTheItem) {
  Pool pool{mpi(2)};
  const auto draw = [](std::uint64_t) { return task_rng()(); };
  const auto first = partition(pool, 50, draw, {.seed = 7}).gather();
  Pool reference{serial()};
  EXPECT_EQ(first, reference.map(draw, indices(50), {.seed = 7}));
}

TEST(Partitioned, LeavesThePoolFreeForMapsAndCalls) {
  Pool pool{mpi(1)};
  auto data = partition(pool, 10, term);
  EXPECT_EQ(pool.map(half, data.gather())[9], term(9) / 2);
  EXPECT_EQ(pool.apply(half, 3.0), 1.5);
  EXPECT_EQ(data.map(half).gather()[9], term(9) / 2);
}

TEST(Partitioned, NeedsAPoolOverMpi) {
  Pool pool{threads(2)};
  EXPECT_THROW(partition(pool, 3, term), PoolError);
}

}  // namespace
}  // namespace furrow::testing
