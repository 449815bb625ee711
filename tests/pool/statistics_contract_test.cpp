// What Pool::statistics() counts.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "contract.hpp"

namespace furrow::testing {
namespace {

constexpr auto twice = [](int x) { return 2 * x; };
constexpr auto only_even = [](int x) { return x % 2 == 0 ? x : throw std::invalid_argument("odd"); };

class StatisticsContract : public PoolContract {
 protected:
  static void expect(Pool& pool, std::uint64_t completed, std::uint64_t failed) {
    pool.wait();
    const PoolStatistics found = pool.statistics();
    EXPECT_EQ(found.workers, pool.workers());
    EXPECT_EQ(found.unfinished, 0u);
    EXPECT_EQ(found.completed, completed);
    EXPECT_EQ(found.failed, failed);
  }
};
FURROW_ON_EVERY_BACKEND(StatisticsContract);

TEST_P(StatisticsContract, CountsTheItemsOfMaps) {
  Pool pool = make();
  expect(pool, 0, 0);
  pool.map(twice, numbers(100));
  expect(pool, 100, 0);
  pool.try_map(only_even, numbers(10), {.chunksize = 3, .retries = 2});
  expect(pool, 105, 5);
  EXPECT_THROW(pool.map(only_even, numbers(10)), std::invalid_argument);
  expect(pool, 110, 10);
  pool.map(twice, numbers(7), {.standing = true});
  expect(pool, 117, 10);
}

TEST_P(StatisticsContract, CountsTheItemsOfReductions) {
  Pool pool = make();
  const auto some = numbers(10'001);  // the last block is a short one
  pool.map_reduce(twice, std::plus<>{}, some);
  expect(pool, 10'001, 0);
  const auto fails_at_the_end = [](int x) { return x < 10'000 ? x : throw std::invalid_argument("10000"); };
  EXPECT_THROW(pool.map_reduce(fails_at_the_end, std::plus<>{}, some), std::invalid_argument);
  const PoolStatistics found = pool.statistics();
  EXPECT_GT(found.failed, 0u);  // all of its block
  EXPECT_EQ(found.completed + found.failed, 2 * 10'001u);
}

TEST_P(StatisticsContract, CountsTheItemsOfStreams) {
  Pool pool = make();
  int failed = 0;
  for (const auto& each : pool.try_imap(only_even, numbers(50))) failed += each.ok() ? 0 : 1;
  EXPECT_EQ(failed, 25);
  expect(pool, 25, 25);
}

TEST_P(StatisticsContract, CountsCalls) {
  Pool pool = make();
  std::vector<Future<int>> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(pool.apply_async(CallOptions{.retries = i % 3}, only_even, i));
  for (auto& each : calls) each.wait();
  expect(pool, 10, 10);
}

TEST_P(StatisticsContract, CountsWhatIsCancelledAsNeither) {
  Pool pool = make();
  std::stop_source source;
  source.request_stop();
  EXPECT_THROW(pool.map(twice, numbers(10), {.stop = source.get_token()}), Cancelled);
  auto call = pool.apply_async(CallOptions{.stop = source.get_token()}, twice, 1);
  EXPECT_THROW(call.get(), Cancelled);
  expect(pool, 0, 0);
  EXPECT_EQ(pool.apply(twice, 2), 4);
  expect(pool, 1, 0);
}

// Tasks that end when they are told to.
enum Counter : std::size_t { kBegun, kMayEnd, kCounters };
constexpr auto held = [](const SharedCounters& counters, int x) {
  ++counters[kBegun];
  for (int i = 0; i < 20'000 && counters[kMayEnd] == 0; ++i) sleep_ms(1);
  return x;
};

TEST_P(StatisticsContract, KnowsWhatWaitsAndRuns) {
  if (can().backend.kind == BackendKind::kSerial || can().backend.kind == BackendKind::kAsync)
    GTEST_SKIP() << "a call has ended when apply_async returns";
  const SharedCounters counters(kCounters);
  Pool pool = make();
  std::vector<Future<int>> calls;
  for (int i = 0; i < 30; ++i) calls.push_back(pool.apply_async(furrow::bind(held, counters), i));
  while (counters[kBegun] == 0) EXPECT_FALSE(calls.front().wait_for(0.001));
  EXPECT_EQ(pool.statistics().unfinished, 30u);
  EXPECT_TRUE(calls.back().cancel());
  EXPECT_THROW(calls.back().get(), Cancelled);
  EXPECT_EQ(pool.statistics().unfinished, 29u);
  counters[kMayEnd] = 1;
  expect(pool, 29, 0);
}

TEST_P(StatisticsContract, KnowsWhatIsLeftOfAMap) {
  const SharedCounters counters(kCounters);
  Pool pool = make();
  PoolStatistics seen;
  std::thread watcher([&] {
    for (int i = 0; i < 20'000 && counters[kBegun] == 0; ++i) sleep_ms(1);
    seen = pool.statistics();
    counters[kMayEnd] = 1;
  });
  pool.map(furrow::bind(held, counters), numbers(200), {.threads_are_safe = true});
  watcher.join();
  EXPECT_GT(seen.unfinished, 0u);
  EXPECT_GE(seen.unfinished + seen.completed, 200u);
  EXPECT_LE(seen.unfinished + seen.completed, 200u + static_cast<unsigned>(pool.workers()));
  expect(pool, 200, 0);
}

TEST_P(StatisticsContract, NeverTakesACountBack) {
  Pool pool = make();
  std::atomic<bool> done{false};
  std::atomic<int> mistakes{0};
  std::thread watcher([&] {
    PoolStatistics last;
    while (!done) {
      const PoolStatistics now = pool.statistics();
      mistakes += now.completed < last.completed || now.failed < last.failed || now.unfinished > 1'000;
      last = now;
    }
  });
  for (int round = 0; round < 5; ++round) {
    std::vector<Future<int>> calls;
    for (int i = 0; i < 400; ++i) calls.push_back(pool.apply_async(only_even, i));
    pool.try_map(only_even, numbers(200), {.threads_are_safe = true});
    for (auto& each : calls) each.wait();
  }
  expect(pool, 5 * (200 + 100), 5 * (200 + 100));
  done = true;
  watcher.join();
  EXPECT_EQ(mistakes, 0);
}

int calls_below(Pool& pool, int n) {
  if (n < 2) return 1;
  auto left = pool.apply_async([&pool, n] { return calls_below(pool, n - 1); });
  auto right = pool.apply_async([&pool, n] { return calls_below(pool, n - 2); });
  return 1 + left.get() + right.get();
}

TEST_P(StatisticsContract, CountsCallsThatTasksMakeAndRunThemselves) {
  if (!can().shares_memory) GTEST_SKIP() << "the tasks use the Pool itself";
  Pool pool = make();
  const int calls = pool.apply([&pool] { return calls_below(pool, 12); });
  expect(pool, static_cast<std::uint64_t>(calls), 0);
  pool.map([&pool](int x) { return pool.map(twice, numbers(x))[0]; }, std::vector{3, 4});
  for (const int x : pool.imap([&pool](int n) { return pool.apply(twice, n); }, numbers(5)))
    EXPECT_EQ(x % 2, 0);
  expect(pool, static_cast<std::uint64_t>(calls) + 2 + 7 + 10, 0);
}

TEST_P(StatisticsContract, CountsWorkersThatWereReplaced) {
  Pool pool = make();
  pool.map(twice, numbers(10));
  EXPECT_EQ(pool.statistics().workers_replaced, 0u);
  if (!can().survives_a_crash) return;
  const auto crashes = [](int x) { return x == 1 ? std::abort(), x : x; };
  EXPECT_EQ(pool.try_map(crashes, numbers(40), {.chunksize = 1}).size(), 40u);
  EXPECT_THROW(pool.apply(crashes, 1), WorkerDied);
  // A rank tells of it a little later. A map that was over before it heard of the death has replaced nobody.
  std::uint64_t replaced = 0;
  for (int i = 0; i < 5'000 && (replaced = pool.statistics().workers_replaced) < 1; ++i) {
    pool.apply(twice, 1);
    sleep_ms(1);
  }
  EXPECT_GE(replaced, 1u);
  EXPECT_LE(replaced, 2u);
  EXPECT_EQ(pool.statistics().failed, 2u);
}

}  // namespace
}  // namespace furrow::testing
