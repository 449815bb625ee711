// Single calls and streams.
#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>
#include <string>

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
