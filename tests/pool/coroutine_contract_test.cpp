// Functions that return an awaitable, on every backend.
#include <gtest/gtest.h>

#include "furrow/async.hpp"  // before Asio itself

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <stop_token>
#include <thread>

#include "contract.hpp"

namespace furrow::testing {
namespace {

class CoroutineContract : public PoolContract {};
FURROW_ON_EVERY_BACKEND(CoroutineContract);

asio::awaitable<void> rest_ms(int milliseconds) {
  asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(milliseconds));
  co_await timer.async_wait(asio::use_awaitable);
}

TEST_P(CoroutineContract, LetsTwoWaitAtATimeIfTheBackendCan) {
  Pool pool = make();
  const SharedCounters arrived(1);
  const auto wait_for_two = [](const SharedCounters& all, int) -> asio::awaitable<int> {
    ++all[0];
    for (int waited = 0; waited < 2000 && all[0] < 2; ++waited) co_await rest_ms(1);
    co_return all[0].load();
  };
  const auto meet = furrow::bind(wait_for_two, arrived);
  if (can().waits_together) {
    EXPECT_EQ(pool.map(meet, numbers(2), {.chunksize = 1}), (std::vector<int>{2, 2}));
  }
}

TEST_P(CoroutineContract, EndsACoroutineAtItsTimeLimit) {
  if (!can().stops_coroutine) return;
  Pool pool = make();
  const auto slow = [](int x) -> asio::awaitable<int> {
    if (x == 1) co_await rest_ms(20'000);
    co_return x;
  };
  const auto outcomes = pool.try_map(slow, numbers(4), {.timeout_s = 0.2});
  ASSERT_FALSE(outcomes[1].ok());
  EXPECT_EQ(outcomes[1].failure().kind, FailureKind::kTimeout);
  EXPECT_TRUE(outcomes[0].ok() && outcomes[2].ok() && outcomes[3].ok());
}

TEST_P(CoroutineContract, IsCancelled) {
  Pool pool = make();
  if (can().backend.kind == BackendKind::kSerial || can().backend.kind == BackendKind::kThreads) return;
  const SharedCounters begun(1);
  const auto slow = furrow::bind(
      [](const SharedCounters& all, int x) -> asio::awaitable<int> {
        ++all[0];
        co_await rest_ms(600'000);
        co_return x;
      },
      begun);
  std::stop_source source;
  {
    const std::jthread canceller([&] {
      for (int waited = 0; waited < 20'000 && begun[0] == 0; ++waited) sleep_ms(1);
      source.request_stop();
    });
    EXPECT_THROW(pool.map(slow, numbers(20), {.stop = source.get_token(), .threads_are_safe = true}),
                 Cancelled);
  }
  std::vector<Future<int>> calls;
  for (int i = 0; i < 10; ++i) calls.push_back(pool.apply_async(slow, i));
  for (auto& each : calls) EXPECT_TRUE(each.cancel());
  for (auto& each : calls) EXPECT_THROW(each.get(), Cancelled);
  auto last = pool.apply_async(slow, 1);
  pool.stop();
  EXPECT_THROW(last.get(), Cancelled);
}

TEST_P(CoroutineContract, GivesTheOutcomesOfPlainFunctions) {
  Pool pool = make();
  const auto picky = [](int x) -> asio::awaitable<std::string> {
    co_await rest_ms(x % 3);
    if (x == 7) throw std::out_of_range("seven");
    co_return std::to_string(x);
  };
  const auto outcomes = pool.try_map(picky, numbers(20));
  for (std::size_t i = 0; i < 20; ++i) {
    ASSERT_EQ(outcomes[i].ok(), i != 7) << i;
    if (i != 7) {
      EXPECT_EQ(outcomes[i].value(), std::to_string(i));
    }
  }
  EXPECT_THROW(pool.map(picky, numbers(20)), std::out_of_range);
}

}  // namespace
}  // namespace furrow::testing
