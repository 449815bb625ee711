// Reductions and random streams give the same answer every time; and Pools inside tasks.
#include <gmock/gmock.h>
#include <pthread.h>

#include <array>
#include <cmath>
#include <set>
#include <string>

#include "contract.hpp"
#include "furrow/bind.hpp"
#include "furrow/task.hpp"
#include "shared_counters.hpp"

namespace furrow::testing {
namespace {

class RepeatContract : public PoolContract {};
FURROW_ON_EVERY_BACKEND(RepeatContract);

double term(int i) { return std::sin(i) * 1e8 / (i + 1.0); }

TEST_P(RepeatContract, ReducesToTheSameBitsForAnyChunksize) {
  Pool reference{serial()};
  Pool pool = make();
  for (int count : {1, 2, 5, 4096, 4097, 100'003}) {
    const double expected = reference.map_reduce(term, std::plus<>{}, numbers(count));
    for (std::size_t chunksize : {0, 1, 64})
      ASSERT_EQ(pool.map_reduce(term, std::plus<>{}, numbers(count), {.chunksize = chunksize}), expected)
          << count;
  }
}

TEST_P(RepeatContract, NeedsAnInitialValueToReduceNothing) {
  Pool pool = make();
  EXPECT_THROW(pool.map_reduce(term, std::plus<>{}, std::vector<int>{}), std::invalid_argument);
  EXPECT_EQ(pool.map_reduce(term, std::plus<>{}, std::vector<int>{}, 2.5), 2.5);
  EXPECT_EQ(pool.map_reduce([](int x) { return x; }, std::plus<>{}, numbers(101), 1), 5051);
}

TEST_P(RepeatContract, SumsInATypeThatHoldsTheInitialValueAndTheResults) {
  Pool pool = make();
  const auto same = [](int x) { return x; };
  const std::vector<int> large(5, 2'000'000'000);
  const auto whole = pool.map_reduce(same, std::plus<>{}, large, std::int64_t{1});
  static_assert(std::is_same_v<decltype(whole), const std::int64_t>);
  EXPECT_EQ(whole, 10'000'000'001);
  EXPECT_EQ(pool.map_reduce(same, std::plus<>{}, large, 0.25), 10'000'000'000.25);
  EXPECT_EQ(pool.map_reduce(same, std::plus<>{}, std::vector<int>{}, 0.25), 0.25);
  const auto half = [](int x) { return x / 2.0; };
  EXPECT_EQ(pool.map_reduce(half, std::plus<>{}, numbers(4), 0), 3.0) << "no fraction is cut off";
  const auto digit = [](int x) { return static_cast<char>('0' + x); };
  EXPECT_EQ(pool.map_reduce(digit, std::plus<>{}, std::vector<int>(9, 9), 0), 9 * '9');
  const auto text = [](int x) { return std::to_string(x); };
  EXPECT_EQ(pool.map_reduce(text, std::plus<>{}, numbers(3), "from "), "from 012");
}

TEST_P(RepeatContract, ReducesStringsInTheirOrder) {
  Pool pool = make();
  const auto text = pool.map_reduce([](int x) { return std::to_string(x); }, std::plus<>{}, numbers(10));
  EXPECT_EQ(text, "0123456789");
}

TEST_P(RepeatContract, NamesTheFailingItemOfAReduction) {
  Pool pool = make();
  try {
    pool.map_reduce([](int x) { return x == 7777 ? throw std::runtime_error("x") : x; }, std::plus<>{},
                    numbers(10'000));
    FAIL() << "nothing was thrown";
  } catch (const TaskError& error) {
    EXPECT_EQ(error.index(), 7777u);
  }
}

using Counts = std::array<std::uint32_t, 10>;
Counts& operator+=(Counts& sum, const Counts& more) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
  return sum;
}

TEST_P(RepeatContract, FoldsItemsInPlaceIntoAccumulators) {
  Pool pool = make();
  const auto count = [](Counts& counts, int x) { ++counts[static_cast<std::size_t>(x % 10)]; };
  const auto plus = [](Counts a, const Counts& b) { return a += b; };
  for (int size : {0, 1, 10, 511, 512, 513, 50'000}) {
    Counts expected{};
    for (int x : numbers(size)) count(expected, x);
    for (std::size_t chunksize : {0, 1, 7})
      ASSERT_EQ(pool.map_fold(Counts{}, count, plus, numbers(size), {.chunksize = chunksize}), expected)
          << size;
  }
}

TEST_P(RepeatContract, FoldsToTheSameBitsAndInTheOrderOfTheItems) {
  Pool reference{serial()};
  Pool pool = make();
  const auto add = [](double sum, int x) { return sum + term(x) * 0.1; };
  const auto append = [](std::string text, int x) { return text + std::to_string(x); };
  for (int size : {1, 600, 10'000}) {
    EXPECT_EQ(pool.map_fold(0.0, add, std::plus<>{}, numbers(size)),
              reference.map_fold(0.0, add, std::plus<>{}, numbers(size)));
    std::string expected;
    for (int x : numbers(size)) expected = append(expected, x);
    EXPECT_EQ(pool.map_fold(std::string(), append, std::plus<>{}, numbers(size)), expected);
  }
  EXPECT_EQ(pool.map_fold(std::string("none"), append, std::plus<>{}, std::vector<int>{}), "none");
}

TEST_P(RepeatContract, NamesTheFailingItemOfAFold) {
  Pool pool = make();
  const auto fails = [](int& sum, int x) { sum += x == 7777 ? throw std::runtime_error("x") : x; };
  try {
    pool.map_fold(0, fails, std::plus<>{}, numbers(10'000));
    FAIL() << "nothing was thrown";
  } catch (const TaskError& error) {
    EXPECT_EQ(error.index(), 7777u);
  }
}

TEST_P(RepeatContract, TellsTheFunctionOfAFoldWhichItemItHas) {
  Pool pool = make();
  const auto check = [](int wrong, int x) { return wrong + (task_index() != static_cast<std::uint64_t>(x)); };
  EXPECT_EQ(pool.map_fold(0, check, std::plus<>{}, numbers(5000)), 0);
  const auto sum = [](int x) { return task_index() == static_cast<std::uint64_t>(x) ? 0 : 1; };
  EXPECT_EQ(pool.map_reduce(sum, std::plus<>{}, numbers(5000)), 0);
}

TEST_P(RepeatContract, FoldsALeafAgainWhoseItemFailed) {
  Pool pool = make();
  const SharedCounters tries(1);
  const auto fail_first = [](const SharedCounters& all, int& sum, int x) {
    if (x == 1500 && ++all[0] == 1) throw std::runtime_error("the first time");
    sum += x;
  };
  const auto once = furrow::bind(fail_first, tries);
  EXPECT_EQ(pool.map_fold(0, once, std::plus<>{}, numbers(2000), {.retries = 1}), 1999 * 1000);
}

std::uint64_t draw(int) {
  Philox& rng = task_rng();
  return rng() ^ rng() << 1 ^ task_rng()() << 2;
}

TEST_P(RepeatContract, GivesTheSameRandomStreamsAsSerial) {
  Pool reference{serial(), {.seed = 7}};
  Pool pool = make({.seed = 7});
  for (int map = 0; map < 3; ++map) {
    const auto expected = reference.map(draw, numbers(500));
    ASSERT_EQ(pool.map(draw, numbers(500), {.chunksize = map == 1 ? 1u : 0u}), expected) << map;
  }
}

TEST_P(RepeatContract, DrawsOtherNumbersForEachMapAndSeed) {
  Pool pool = make();
  const auto first = pool.map(draw, numbers(10));
  const auto second = pool.map(draw, numbers(10));
  EXPECT_NE(first, second);
  EXPECT_EQ(pool.map(draw, numbers(10), {.seed = 3}), pool.map(draw, numbers(10), {.seed = 3}));
  EXPECT_NE(pool.map(draw, numbers(10), {.seed = 3}), pool.map(draw, numbers(10), {.seed = 4}));
  EXPECT_EQ(std::set<std::uint64_t>(first.begin(), first.end()).size(), 10u);
}

TEST_P(RepeatContract, DrawsTheSameNumbersInARetry) {
  Pool pool = make({.seed = 1});
  Pool reference{serial(), {.seed = 1}};
  const SharedCounters tries(1);
  const auto draw_and_fail = [](const SharedCounters& all, int x) {
    const auto drawn = draw(x);
    if (++all[0] == 1) throw std::runtime_error("once");
    return drawn;
  };
  const auto flaky = furrow::bind(draw_and_fail, tries);
  EXPECT_EQ(pool.map(flaky, numbers(1), {.retries = 1}), reference.map(draw, numbers(1)));
}

TEST_P(RepeatContract, GivesAPoolInATaskTheSameRandomStreamsAsSerial) {
  const auto draw_in_pools = [](int x) {
    std::uint64_t drawn = 0;
    for (int pool = 0; pool < 2; ++pool) {
      Pool inner{serial()};
      for (int map = 0; map < 2; ++map) drawn = drawn * 31 + inner.map(draw, std::vector<int>{x})[0];
    }
    return drawn;
  };
  Pool pool = make({.seed = 7});
  Pool reference{serial(), {.seed = 7}};
  const auto expected = reference.map(draw_in_pools, numbers(50));
  EXPECT_EQ(pool.map(draw_in_pools, numbers(50)), expected);
  EXPECT_EQ(std::set<std::uint64_t>(expected.begin(), expected.end()).size(), 50u);
}

std::uint64_t draw_with_calls(Pool& pool, int depth) {
  std::uint64_t drawn = draw(0);
  if (depth == 0) return drawn;
  auto left = pool.apply_async(draw_with_calls, std::ref(pool), depth - 1);
  auto right = pool.apply_async(draw_with_calls, std::ref(pool), depth - 1);
  drawn = drawn * 31 + left.get();
  return drawn * 31 + right.get();
}

TEST(CallsInCalls, DrawTheSameNumbersWithAnyNumberOfThreads) {
  std::set<std::uint64_t> drawn;
  for (const int workers : {1, 2, 5}) {
    Pool pool(threads(workers), {.seed = 3});
    drawn.insert(pool.apply([&] { return draw_with_calls(pool, 8); }));
    drawn.insert(pool.apply([&] { return draw_with_calls(pool, 8); }));
  }
  EXPECT_EQ(drawn.size(), 2u);
}

TEST_P(RepeatContract, RunsCallsInThreadsWithNames) {
  if (can().backend.kind != BackendKind::kThreads) return;
  Pool pool = make();
  const auto is_named = [] {
    char text[16]{};
    ::pthread_getname_np(::pthread_self(), text, sizeof text);
    return text == "furrow-" + std::to_string(worker_index());
  };
  EXPECT_TRUE(pool.apply(is_named));
}

TEST_P(RepeatContract, TellsATaskItsIndexAndWorker) {
  Pool pool = make();
  EXPECT_EQ(pool.map([](int) { return static_cast<int>(task_index()); }, numbers(300)), numbers(300));
  EXPECT_FALSE(in_task());
  EXPECT_THROW(task_index(), std::logic_error);
  EXPECT_THROW(task_rng(), std::logic_error);
  const auto workers = pool.map([](int) { return worker_index(); }, numbers(300));
  for (int each : workers) ASSERT_TRUE(each >= 0 && each < pool.workers()) << each;
}

TEST_P(RepeatContract, LimitsTheWorkersOfAPoolInsideATask) {
  Pool pool = make();
  const auto inner = [](int x) {
    Pool nested;
    if (nested.workers() > static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))) return -1;
    return nested.map_reduce([x](int y) { return x * y; }, std::plus<>{}, std::vector<int>{1, 2, 3});
  };
  EXPECT_EQ(pool.map(inner, std::vector<int>{1, 2, 3, 4}), (std::vector<int>{6, 12, 18, 24}));
}

TEST_P(RepeatContract, DrawsOtherNumbersInThePoolOfEachTask) {
  Pool pool = make();
  const auto inner = [](int) { return Pool{serial()}.map(draw, std::vector<int>{0}).front(); };
  const auto drawn = pool.map(inner, numbers(8));
  EXPECT_EQ(std::set<std::uint64_t>(drawn.begin(), drawn.end()).size(), 8u);
}

TEST_P(RepeatContract, RunsTheInitializerInEveryWorkerBeforeItsTasks) {
  const SharedCounters runs(1);
  static thread_local int prepared = 0;
  const auto prepare = [](const SharedCounters& all) {
    ++all[0];
    prepared = 1;
  };
  Pool pool = make({.initializer = furrow::bind(prepare, runs)});
  EXPECT_EQ(pool.map([](int) { return prepared; }, numbers(200)), std::vector<int>(200, 1));
  EXPECT_GE(runs[0], 1);
}

}  // namespace
}  // namespace furrow::testing
