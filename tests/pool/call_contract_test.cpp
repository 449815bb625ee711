// Single calls and streams.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "contract.hpp"

namespace furrow::testing {
namespace {

using ::testing::HasSubstr;

class CallContract : public PoolContract {};
FURROW_ON_EVERY_BACKEND(CallContract);

TEST_P(CallContract, GivesTheResultOnce) {
  Pool pool = make();
  auto future = pool.apply_async([](int a, int b) { return a * b; }, 6, 7);
  EXPECT_EQ(future.get(), 42);
  EXPECT_FALSE(future.valid());
  EXPECT_THROW(future.get(), std::logic_error);
  EXPECT_EQ(pool.apply([](const std::string& text) { return text + "!"; }, std::string("yes")), "yes!");
}

TEST_P(CallContract, RunsManyCallsAtATime) {
  Pool pool = make();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 5000; ++i) futures.push_back(pool.apply_async([](int x) { return x; }, i));
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(futures[static_cast<std::size_t>(i)].get(), i);
}

TEST_P(CallContract, OneWorkerRunsCallsInTheirOrder) {
  if (!can().shares_memory || can().backend.workers != 1) GTEST_SKIP();
  Pool pool = make();
  std::vector<int> order;
  for (int i = 0; i < 3000; ++i) pool.apply_async([&order, i] { order.push_back(i); });
  pool.wait();
  ASSERT_EQ(order.size(), 3000u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_P(CallContract, WaitsForAllCalls) {
  Pool pool = make();
  std::vector<Future<void>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(pool.apply_async([] { sleep_ms(1); }));
  pool.wait();
  for (auto& each : futures) EXPECT_TRUE(each.ready());
}

TEST_P(CallContract, ThrowsTheTasksException) {
  Pool pool = make();
  auto future =
      pool.apply_async([](int x) -> int { throw std::invalid_argument("not " + std::to_string(x)); }, 3);
  EXPECT_THROW(future.get(), std::invalid_argument);
  auto other = pool.apply_async([]() -> int { throw std::length_error("long"); });
  EXPECT_EQ(other.outcome().failure().message, "long");
}

TEST_P(CallContract, CallsBackOnSuccessAndOnError) {
  Pool pool = make();
  std::atomic<int> good{0};
  std::atomic<int> bad{0};
  auto fine = pool.apply_async([](int x) { return x; }, 5);
  fine.on_success([&](int x) { good += x; }).on_error([&](const Failure&) { ++bad; });
  auto broken = pool.apply_async([]() -> int { throw std::runtime_error("x"); });
  broken.on_success([&](int x) { good += x; }).on_error([&](const Failure&) { ++bad; });
  fine.wait();
  broken.wait();
  EXPECT_EQ(good, 5);
  EXPECT_EQ(bad, 1);
}

TEST_P(CallContract, RetriesACall) {
  Pool pool = make();
  const auto outcome =
      pool.apply_async(CallOptions{.retries = 2}, []() -> int { throw std::runtime_error("x"); }).outcome();
  EXPECT_EQ(outcome.failure().attempts, 3);
}

TEST_P(CallContract, WaitForReturnsAtItsTimeout) {
  Pool pool = make();
  auto future = pool.apply_async([] { sleep_ms(300); });
  // Serial and async call plain functions at once.
  const bool at_once =
      can().backend.kind == BackendKind::kSerial || can().backend.kind == BackendKind::kAsync;
  EXPECT_EQ(future.wait_for(0.01), at_once);
  EXPECT_TRUE(future.wait_for(10));
}

TEST_P(CallContract, SendsBoundValuesWithAFunction) {
  Pool pool = make();
  const auto scale = furrow::bind(
      [](const std::vector<double>& table, int row) { return table[static_cast<std::size_t>(row)]; },
      std::vector<double>{0.5, 1.5});
  EXPECT_EQ(pool.apply(scale, 1), 1.5);
}

TEST_P(CallContract, TakesCapturesOnlyWhereMemoryIsShared) {
  Pool pool = make();
  int here = 3;
  const auto capturing = [&here] { return here; };
  if (can().shares_memory) {
    EXPECT_EQ(pool.apply(capturing), 3);
  } else {
    try {
      pool.apply(capturing);
      FAIL() << "nothing was thrown";
    } catch (const PoolError& error) {
      EXPECT_THAT(error.what(), HasSubstr("furrow::bind"));
    }
  }
}

TEST_P(CallContract, ImapStreamsInOrder) {
  Pool pool = make();
  const auto inputs = numbers(3000);
  int expected = 0;
  for (int y : pool.imap([](int x) { return 2 * x; }, inputs)) ASSERT_EQ(y, 2 * expected++);
  EXPECT_EQ(expected, 3000);
}

TEST_P(CallContract, ImapReadsAnEndlessSourceOnlyALittleAhead) {
  Pool pool = make();
  struct Endless {
    std::int64_t& read;
    struct Iterator {
      using iterator_concept = std::input_iterator_tag;
      using value_type = std::int64_t;
      using difference_type = std::ptrdiff_t;
      std::int64_t* at;
      std::int64_t operator*() const { return *at; }
      Iterator& operator++() {
        ++*at;
        return *this;
      }
      void operator++(int) { ++*at; }
      bool operator==(std::default_sentinel_t) const { return false; }
    };
    Iterator begin() const { return {&read}; }
    std::default_sentinel_t end() const { return {}; }
  };
  std::int64_t read = 0;
  std::int64_t taken = 0;
  for (std::int64_t y : pool.imap([](std::int64_t x) { return x; }, Endless{read})) {
    ASSERT_EQ(y, taken++);
    ASSERT_LT(read - taken, 10'000);
    if (taken == 2000) break;
  }
}

TEST_P(CallContract, ImapUnorderedGivesEachResultOnce) {
  Pool pool = make();
  std::vector<int> seen(1000, 0);
  for (int y : pool.imap_unordered([](int x) { return x; }, numbers(1000)))
    ++seen[static_cast<std::size_t>(y)];
  EXPECT_EQ(seen, std::vector<int>(1000, 1));
}

TEST_P(CallContract, ImapThrowsAFailureInItsTurn) {
  Pool pool = make();
  int taken = 0;
  try {
    for (int y :
         pool.imap([](int x) { return x == 20 ? throw std::domain_error("twenty") : x; }, numbers(100))) {
      ASSERT_EQ(y, taken);
      ++taken;
    }
    FAIL() << "nothing was thrown";
  } catch (const std::domain_error& error) {
    EXPECT_EQ(dynamic_cast<const TaskError&>(error).index(), 20u);
  }
  EXPECT_EQ(taken, 20);
}

TEST_P(CallContract, ImapGoesOnAfterAFailureByReadingOrByAdvancing) {
  Pool pool = make();
  const auto task = [](int x) {
    return x % 3 == 1 || x == 3 ? throw std::domain_error("bad") : std::to_string(x);
  };
  const std::vector<std::string> good{"0", "2", "5", "6", "8", "9"};
  for (const bool advances : {false, true}) {
    auto results = pool.imap(task, numbers(11));  // 10, the last one, fails
    std::vector<std::string> seen;
    int failures = 0;
    auto it = results.begin();
    while (it != results.end()) {
      try {
        seen.push_back(*it);
        ++it;
      } catch (const std::domain_error&) {
        ++failures;
        for (bool again = advances; again;) {
          try {
            ++it;
            again = false;
          } catch (const std::domain_error&) {
            ++failures;
          }
        }
      }
    }
    EXPECT_EQ(seen, good) << advances;
    EXPECT_EQ(failures, 5) << advances;
    EXPECT_THROW(*it, std::out_of_range);
  }
}

TEST_P(CallContract, ImapEndsAtItsFirstFailureIfItFailsFast) {
  Pool pool = make();
  auto results = pool.imap([](int x) { return x == 4 ? throw std::domain_error("four") : x; }, numbers(100),
                           {.on_error = OnError::kFailFast});
  auto it = results.begin();
  for (int x = 0; x < 3; ++x, ++it) ASSERT_EQ(*it, x);
  EXPECT_THROW(++it, std::domain_error);
  EXPECT_TRUE(it == results.end());
}

TEST_P(CallContract, TryImapGivesAnOutcomeForEachItemAndGoesOn) {
  Pool pool = make();
  const auto task = [](int x) {
    return x % 3 == 1 ? throw std::domain_error(std::to_string(x)) : std::to_string(x);
  };
  int taken = 0;
  for (auto& outcome : pool.try_imap(task, numbers(1000))) {
    ASSERT_EQ(outcome.ok(), taken % 3 != 1) << taken;
    ASSERT_EQ(outcome.ok() ? outcome.value() : outcome.failure().message, std::to_string(taken));
    if (!outcome.ok()) {
      ASSERT_EQ(outcome.failure().index, static_cast<std::uint64_t>(taken));
      ASSERT_THROW(outcome.value(), std::domain_error);
    }
    ++taken;
  }
  EXPECT_EQ(taken, 1000);
}

TEST_P(CallContract, TryImapUnorderedGivesEachOutcomeOnceWithItsIndex) {
  Pool pool = make();
  std::vector<int> seen(500, 0);
  auto outcomes = pool.try_imap_unordered([](int x) { return x % 2 ? x : throw std::runtime_error("even"); },
                                          numbers(500));
  for (auto it = outcomes.begin(); it != outcomes.end(); ++it) {
    const std::uint64_t index = outcomes.index();
    ++seen[index];
    ASSERT_EQ((*it).ok(), index % 2 == 1);
  }
  EXPECT_EQ(seen, std::vector<int>(500, 1));
}

TEST_P(CallContract, TryImapOfFunctionsWithoutResults) {
  Pool pool = make();
  int good = 0, bad = 0;
  for (auto& outcome :
       pool.try_imap([](int x) { x == 7 ? throw std::runtime_error("seven") : void(); }, numbers(20)))
    ++(outcome.ok() ? good : bad);
  EXPECT_EQ(good, 19);
  EXPECT_EQ(bad, 1);
  for (auto& outcome : pool.try_imap([](int x) { return x; }, std::vector<int>{})) FAIL() << outcome.ok();
}

TEST_P(CallContract, TryImapEndsWithItsFirstFailureIfItFailsFast) {
  Pool pool = make();
  int taken = 0;
  for (auto& outcome : pool.try_imap([](int x) { return x == 4 ? throw std::domain_error("four") : x; },
                                     numbers(100), {.on_error = OnError::kFailFast}))
    ASSERT_EQ(outcome.ok(), taken++ != 4);
  EXPECT_EQ(taken, 5);
}

TEST_P(CallContract, DestroysTheFunctionBeforeTheResultIsThere) {
  if (!can().shares_memory) return;
  Pool pool = make();
  const auto owned = std::make_shared<int>(5);
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(pool.apply_async([owned] { return *owned; }).get(), 5);
    ASSERT_EQ(owned.use_count(), 1);
    auto failed =
        pool.apply_async([](const std::shared_ptr<int>&) -> int { throw std::range_error("x"); }, owned);
    failed.wait();
    ASSERT_EQ(owned.use_count(), 1);
  }
}

TEST_P(CallContract, RunsCallsWithoutAFutureBeforeThePoolEnds) {
  const SharedCounters ran(1);
  {
    Pool pool = make();
    for (int i = 0; i < 60; ++i)
      pool.apply_async([](const SharedCounters& all) { sleep_ms(1), ++all[0]; }, ran);
  }
  EXPECT_EQ(ran[0], 60);
}

TEST_P(CallContract, TakesInfinityAsNoTimeLimitAndRefusesNonsense) {
  Pool pool = make();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto task = [](int x) { return sleep_ms(2), x; };
  EXPECT_EQ(pool.map(task, numbers(3), {.timeout_s = kInfinity}), numbers(3));
  EXPECT_EQ(pool.apply_async(CallOptions{.timeout_s = kInfinity}, task, 4).get(), 4);
  const auto willing = [](int x, std::stop_token stop) {
    return sleep_ms(2), stop.stop_requested() ? -1 : x;
  };
  for (const double limit : {1e12, 1e300}) {
    EXPECT_EQ(pool.map(willing, numbers(3), {.timeout_s = limit}), numbers(3));
    EXPECT_EQ(pool.map(task, numbers(3), {.timeout_s = limit}), numbers(3));
    EXPECT_EQ(pool.apply_async(CallOptions{.timeout_s = limit}, willing, 4).get(), 4);
  }
  for (const double limit : {-0.5, -kInfinity, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(pool.map(task, numbers(3), {.timeout_s = limit}), std::invalid_argument);
    EXPECT_THROW(pool.imap(task, numbers(3), {.timeout_s = limit}), std::invalid_argument);
    EXPECT_THROW(pool.apply_async(CallOptions{.timeout_s = limit}, task, 4), std::invalid_argument);
  }
  try {
    pool.try_map(task, numbers(3), {.retries = -1});
    FAIL() << "it was taken";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), HasSubstr("-1"));
  }
  EXPECT_THROW(pool.apply_async(CallOptions{.retries = -2}, task, 4), std::invalid_argument);
  auto future = pool.apply_async(task, 1);
  EXPECT_THROW(future.wait_for(std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
  EXPECT_TRUE(future.wait_for(kInfinity));
}

TEST_P(CallContract, ImapOfNothingEndsAtOnce) {
  Pool pool = make();
  for (int y : pool.imap([](int x) { return x; }, std::vector<int>{})) FAIL() << y;
}

TEST_P(CallContract, ImapMayBeAbandonedBeforeItsEnd) {
  Pool pool = make();
  {
    auto stream = pool.imap([](int x) { return x; }, numbers(100'000));
    EXPECT_EQ(*stream.begin(), 0);
  }
  EXPECT_EQ(pool.apply([] { return 1; }), 1);
}

TEST(CallsOnThreads, MayWaitForEachOtherInsideTasks) {
  Pool pool{threads(2)};
  const auto outer = [&](int x) { return pool.apply([](int y) { return y + 1; }, x); };
  EXPECT_EQ(pool.map(outer, std::vector<int>{1, 2, 3, 4}), (std::vector<int>{2, 3, 4, 5}));
  auto future = pool.apply_async([&] { return pool.apply([&] { return pool.apply([] { return 3; }); }); });
  EXPECT_EQ(future.get(), 3);
}

// While they hold a lock that other calls want, too.
TEST(CallsOnThreads, RunNoOthersWhileTheyWait) {
  for (const int workers : {1, 2, 3}) {
    Pool pool{threads(workers)};
    std::mutex mutex;
    std::atomic<bool> holds{false};
    const auto wants = [&](int x) {
      const std::lock_guard lock(mutex);
      return x;
    };
    auto first = pool.apply_async([&] {
      const std::lock_guard lock(mutex);
      auto other = pool.apply_async(wants, 5);  // its own, but not what it waits for
      holds = true;
      sleep_ms(20);
      const int child = pool.apply([] { return 1; });
      int sum = pool.map_reduce([](int x) { return x; }, std::plus<>{}, std::vector<int>{1, 2, 3});
      for (int each : pool.imap([](int x) { return x; }, std::vector<int>{4, 5})) sum += each;
      return std::pair(child + sum, std::move(other));
    });
    while (!holds) std::this_thread::yield();
    auto second = pool.apply_async(wants, 2), third = pool.apply_async(wants, 3);
    ASSERT_TRUE(first.wait_for(20)) << workers;
    auto [sum, other] = first.get();
    EXPECT_EQ(sum + second.get() + third.get() + other.get(), 16 + 10);
  }
}

TEST(CallsOnThreads, MayWaitForEachOtherDeeply) {
  Pool pool{threads(2)};
  std::function<int(int)> fibonacci = [&](int n) -> int {
    if (n < 2) return n;
    auto left = pool.apply_async(fibonacci, n - 1);
    auto right = pool.apply_async(fibonacci, n - 2);
    return left.get() + right.get();
  };
  EXPECT_EQ(pool.apply(fibonacci, 15), 610);
  // Each waits for the next one: more than fit on one stack.
  constexpr int kCalls = 30'000;
  std::vector<Future<int>> futures(kCalls);
  std::atomic<bool> all_there{false};
  for (int i = 0; i < kCalls; ++i)
    futures[static_cast<std::size_t>(i)] = pool.apply_async([&, i] {
      while (!all_there) sleep_ms(1);
      const std::array<char, 200> some{};
      return i + 1 < kCalls ? futures[static_cast<std::size_t>(i) + 1].get() + 1 + some[0] : 1;
    });
  all_there = true;
  futures[0].wait();
  EXPECT_EQ(futures[0].get(), kCalls);
}

// Each of two Pools waits for the other one.
TEST(CallsOnThreads, MayWaitForThoseOfAnotherPool) {
  for (const bool with_initializer : {false, true}) {
    const PoolOptions options = with_initializer ? PoolOptions{.initializer = [] {}} : PoolOptions{};
    Pool one{threads(1), options}, two{threads(1), options};
    const auto deep = [&] {
      return one.apply([&] { return two.apply([&] { return one.apply([] { return 7; }); }); });
    };
    EXPECT_EQ(two.apply(deep), 7);
    EXPECT_EQ(one.map([&](int) { return deep(); }, std::vector<int>{1, 2})[1], 7);
  }
}

// A call that waits for its children gives its place among the workers to them.
TEST(CallsOnThreads, GiveTheirPlaceToOthersWhileTheyWait) {
  Pool pool{threads(2)};
  std::atomic<int> at_once{0}, most{0};
  const auto child = [&] {
    const int now = ++at_once;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    for (int i = 0; i < 2000 && most < 2; ++i) sleep_ms(1);
    --at_once;
  };
  pool.apply([&] {
    std::vector<Future<void>> children;
    for (int i = 0; i < 4; ++i) children.push_back(pool.apply_async(child));
    sleep_ms(5);  // so that the other worker begins the first one
    for (auto& each : children) each.get();
  });
  EXPECT_GE(most, 2);
  EXPECT_LE(most, 3);
}

TEST(CallsOnThreads, AreCancelledWithThePoolIfNotBegun) {
  std::vector<Future<void>> futures;
  {
    Pool pool{threads(1)};
    for (int i = 0; i < 100; ++i) futures.push_back(pool.apply_async([] { sleep_ms(2); }));
  }
  const auto last = futures.back().outcome();
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.failure().kind, FailureKind::kCancelled);
}

}  // namespace
}  // namespace furrow::testing
