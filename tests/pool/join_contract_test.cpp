// Futures that are awaited, continued and joined; arguments that can be given only once; filter.
#include <gtest/gtest.h>

#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>

#include "contract.hpp"

namespace furrow::testing {
namespace {

class JoinContract : public PoolContract {};
FURROW_ON_EVERY_BACKEND(JoinContract);

// A coroutine of somebody else's: it begins at once, and nobody waits for it.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

constexpr auto twice = [](int x) { return 2 * x; };
constexpr auto slowly = [](int x) {
  sleep_ms(5);
  return x;
};
constexpr auto broken = [](int x) -> int { throw std::invalid_argument("not " + std::to_string(x)); };

TEST_P(JoinContract, IsAwaitedByACoroutine) {
  Pool pool = make();
  std::atomic<int> sum{0};
  std::atomic<int> ended{0};
  const auto use = [&](int x) -> Detached {
    int total = 0;
    for (int i = 0; i < 3; ++i) total += co_await pool.apply_async(slowly, x + i);
    try {
      co_await pool.apply_async(broken, x);
    } catch (const std::invalid_argument&) {
      sum += total;
    }
    ++ended;
  };
  for (int i = 0; i < 20; ++i) use(i);
  while (ended < 20) pool.wait();
  EXPECT_EQ(sum, 3 * 190 + 20 * 3);
}

TEST_P(JoinContract, ContinuesWithThen) {
  Pool pool = make();
  auto text =
      pool.apply_async(slowly, 20).then([](int x) { return std::to_string(x); }).then([](std::string s) {
        return s + "!";
      });
  EXPECT_EQ(text.get(), "20!");
  auto failed = pool.apply_async(broken, 3).then([](int x) { return x; });
  EXPECT_THROW(failed.get(), std::invalid_argument);
  auto throws = pool.apply_async(twice, 3).then([](int) -> int { throw std::length_error("long"); });
  EXPECT_THROW(throws.get(), std::length_error);
  bool done = false;
  pool.apply_async([] {}).then([&] { done = true; }).get();
  EXPECT_TRUE(done);
}

TEST_P(JoinContract, JoinsCalls) {
  Pool pool = make();
  std::vector<Future<int>> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(pool.apply_async([](int x) { return x; }, i));
  EXPECT_EQ(when_all(std::move(calls)).get(), numbers(100));
  EXPECT_TRUE(when_all(std::vector<Future<int>>()).get().empty());
  const auto [number, text] =
      when_all(pool.apply_async(twice, 4), pool.apply_async([] { return std::string("text"); })).get();
  EXPECT_EQ(number, 8);
  EXPECT_EQ(text, "text");
  std::vector<Future<int>> some;
  some.push_back(pool.apply_async(slowly, 1));
  some.push_back(pool.apply_async(broken, 2));
  some.push_back(pool.apply_async(broken, 3));
  try {
    when_all(std::move(some)).get();
    FAIL() << "nothing was thrown";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "not 2");
  }
  std::vector<Future<void>> nothing;
  for (int i = 0; i < 5; ++i) nothing.push_back(pool.apply_async([] {}));
  when_all(std::move(nothing)).get();
}

TEST_P(JoinContract, JoinsNoneWhenACallIsCancelled) {
  Pool pool = make();
  std::stop_source source;
  source.request_stop();
  auto both = when_all(pool.apply_async(twice, 1),
                       pool.apply_async(CallOptions{.stop = source.get_token()}, twice, 2));
  EXPECT_THROW(both.get(), Cancelled);
}

TEST_P(JoinContract, MovesAnArgumentThatCanBeGivenOnce) {
  Pool pool = make();
  if (!can().shares_memory) return;
  const auto f = [](std::unique_ptr<int> x) { return *x + 1; };
  EXPECT_EQ(pool.apply(f, std::make_unique<int>(6)), 7);
  EXPECT_THROW(pool.apply_async(CallOptions{.retries = 1}, f, std::make_unique<int>(6)),
               std::invalid_argument);
  const auto borrows = [](const std::unique_ptr<int>& x) -> int {
    if (++*x < 8) throw std::runtime_error("again");
    return *x;
  };
  EXPECT_EQ(pool.apply_async(CallOptions{.retries = 3}, borrows, std::make_unique<int>(6)).get(), 8);
}

TEST_P(JoinContract, Filters) {
  Pool pool = make();
  const auto odd = [](int x) { return x % 2 == 1; };
  EXPECT_EQ(pool.filter(odd, numbers(6)), (std::vector<int>{1, 3, 5}));
  EXPECT_TRUE(pool.filter(odd, std::vector<int>()).empty());
  const std::vector<std::string> words{"a", "bb", "c"};
  EXPECT_EQ(pool.filter([](const std::string& s) { return s.size() == 1; }, words),
            (std::vector<std::string>{"a", "c"}));
  EXPECT_THROW(
      pool.filter([](int x) -> bool { return x == 3 ? throw std::out_of_range("three") : true; }, numbers(9)),
      std::out_of_range);
}

}  // namespace
}  // namespace furrow::testing
