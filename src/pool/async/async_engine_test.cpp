#include "pool/async/async_engine.hpp"

#include <gtest/gtest.h>

#include "furrow/async.hpp"  // before Asio itself

#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <chrono>
#include <numeric>
#include <ranges>
#include <set>
#include <string>
#include <thread>

#include "furrow/task.hpp"
#include "support/print_backend.hpp"
#include "support/temporary_folder.hpp"

namespace furrow {
namespace {

using namespace std::chrono_literals;

asio::awaitable<void> rest(std::chrono::microseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

// Different waits for neighbouring items, so that they end in another order than they begin.
std::chrono::microseconds uneven(std::uint64_t i) { return (i * 7919 % 13) * 100us; }

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

const auto twice = [](int x) -> asio::awaitable<int> {
  co_await rest(uneven(static_cast<std::uint64_t>(x)));
  co_return 2 * x;
};

// Functions that return awaitables give the same results on every backend.
class Awaitables : public testing::TestWithParam<Backend> {
 protected:
  Awaitables() : pool(GetParam()), xs(numbers(60)) {}
  Pool pool;
  std::vector<int> xs;
};

TEST_P(Awaitables, AreMapped) {
  const auto ys = pool.map(twice, xs);
  static_assert(std::is_same_v<decltype(ys), const std::vector<int>>);
  for (int x : xs) EXPECT_EQ(ys[static_cast<std::size_t>(x)], 2 * x);
}

TEST_P(Awaitables, AreMappedIntoARange) {
  std::vector<long> out(60);
  pool.map_into(out, twice, xs);
  EXPECT_EQ(out[59], 118);
}

TEST_P(Awaitables, AreStarmapped) {
  std::vector<std::pair<int, std::string>> pairs{{1, "one"}, {2, "two"}};
  const auto f = [](int n, const std::string& text) -> asio::awaitable<std::string> {
    co_await rest(1ms);
    co_return text + std::to_string(n);
  };
  EXPECT_EQ(pool.starmap(f, pairs), (std::vector<std::string>{"one1", "two2"}));
}

TEST_P(Awaitables, AreAwaitedEvenIfTheirResultsAreDropped) {
  if (GetParam().kind == BackendKind::kProcesses) GTEST_SKIP() << "counts in this process";
  std::atomic<int> done{0};
  pool.for_each(
      [&](int x) -> asio::awaitable<int> {
        co_await rest(uneven(static_cast<std::uint64_t>(x)));
        ++done;
        co_return x;
      },
      xs);
  EXPECT_EQ(done, 60);
  pool.map(
      [&](int) -> asio::awaitable<void> {
        co_await rest(100us);
        ++done;
      },
      xs);
  EXPECT_EQ(done, 120);
}

TEST_P(Awaitables, GiveEachItemItsOutcome) {
  const auto f = [](int x) -> asio::awaitable<int> {
    co_await rest(uneven(static_cast<std::uint64_t>(x)));
    if (x % 10 == 3) throw std::out_of_range("no " + std::to_string(x));
    co_return x;
  };
  const auto outcomes = pool.try_map(f, xs);
  for (int x : xs) {
    const auto& outcome = outcomes[static_cast<std::size_t>(x)];
    ASSERT_EQ(outcome.ok(), x % 10 != 3);
    if (outcome.ok()) continue;
    EXPECT_EQ(outcome.failure().message, "no " + std::to_string(x));
  }
  EXPECT_THROW(pool.map(f, xs), std::out_of_range);
}

TEST_P(Awaitables, ReduceToTheSameBits) {
  const auto many = numbers(9000);
  const auto f = [](int x) -> asio::awaitable<double> {
    if (x % 1000 == 0) co_await rest(1ms);
    co_return 1.0 / (1 + x) + task_rng().uniform01();
  };
  const auto plain = [](int x) { return 1.0 / (1 + x) + task_rng().uniform01(); };
  const double expected = Pool(serial(), {.seed = 1}).map_reduce(plain, std::plus<>{}, many, {.seed = 7});
  EXPECT_EQ(pool.map_reduce(f, std::plus<>{}, many, {.seed = 7}), expected);
}

TEST_P(Awaitables, StreamInOrder) {
  int next = 0;
  for (int y : pool.imap(twice, xs)) EXPECT_EQ(y, 2 * next++);
  EXPECT_EQ(next, 60);
}

TEST_P(Awaitables, StreamInAnyOrder) {
  std::multiset<int> seen;
  for (int y : pool.imap_unordered(twice, xs)) seen.insert(y);
  EXPECT_EQ(seen.size(), 60u);
  EXPECT_EQ(*seen.rbegin(), 118);
}

TEST_P(Awaitables, AreCalled) {
  auto future = pool.apply_async(twice, 21);
  EXPECT_EQ(future.get(), 42);
  EXPECT_THROW(pool.apply([]() -> asio::awaitable<void> {
    co_await rest(1ms);
    throw std::invalid_argument("no");
  }),
               std::invalid_argument);
}

TEST_P(Awaitables, MayReturnTypesWithoutADefaultConstructor) {
  struct Value {
    explicit Value(int with) : number(with) {}
    int number;
  };
  const auto f = [](int x) -> asio::awaitable<Value> { co_return Value(x); };
  EXPECT_EQ(pool.map(f, xs)[7].number, 7);
}

INSTANTIATE_TEST_SUITE_P(Backends, Awaitables, testing::Values(serial(), threads(2), processes(2), async(8)),
                         [](const auto& param) { return std::string(name(param.param.kind)); });

class AsyncTest : public testing::Test {
 protected:
  Pool pool{async(16)};
  std::vector<int> xs = numbers(200);
};

TEST_F(AsyncTest, KeepsItsNumberInFlightOnOneThread) {
  int now = 0, most = 0;
  std::set<std::thread::id> threads_seen;
  pool.for_each(
      [&](int) -> asio::awaitable<void> {
        threads_seen.insert(std::this_thread::get_id());
        most = std::max(most, ++now);
        co_await rest(1ms);
        threads_seen.insert(std::this_thread::get_id());
        --now;
      },
      xs);
  EXPECT_EQ(most, 16);
  EXPECT_EQ(threads_seen, std::set{std::this_thread::get_id()});
}

// Each task checks its index after every resumption, while the others do the same.
TEST_F(AsyncTest, KeepsEachCoroutineInItsTaskWhereverItIsResumed) {
  asio::thread_pool elsewhere(1);
  asio::io_context other;
  const auto f = [&](int x) -> asio::awaitable<int> {
    const auto index = static_cast<std::uint64_t>(x);
    int wrong = 0;
    const int worker = worker_index();
    const auto check = [&] { wrong += task_index() != index || worker_index() != worker; };
    for (std::uint64_t i = 0; i < 5; ++i) {
      check();
      co_await rest(uneven(index + i));
      check();
      co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
      check();
      co_await asio::post(elsewhere, asio::use_awaitable);  // and back
      check();
      // A spawned coroutine belongs to this task as well.
      co_await asio::co_spawn(
          co_await asio::this_coro::executor,
          [&]() -> asio::awaitable<void> {
            co_await rest(uneven(index * 3 + i));
            check();
          },
          asio::use_awaitable);
      check();
      try {
        co_await []() -> asio::awaitable<void> {
          co_await rest(50us);
          throw std::runtime_error("inner");
        }();
      } catch (const std::runtime_error&) {
        check();
      }
    }
    co_return wrong;
  };
  for (int wrong : pool.map(f, xs)) EXPECT_EQ(wrong, 0);
  EXPECT_FALSE(in_task());
}

TEST_F(AsyncTest, DrawsTheSameNumbersAsAnyBackend) {
  const auto f = [](int x) -> asio::awaitable<double> {
    double sum = 0;
    for (std::uint64_t i = 0; i < 4; ++i) {
      sum += task_rng().normal();
      co_await rest(uneven(static_cast<std::uint64_t>(x) + i));
    }
    co_return sum;
  };
  const auto plain = [](int) {
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += task_rng().normal();
    return sum;
  };
  EXPECT_EQ(pool.map(f, xs), Pool(serial()).map(plain, xs));
}

TEST_F(AsyncTest, StopsATaskAtItsTimeout) {
  const auto f = [](int x) -> asio::awaitable<int> {
    if (x == 5) co_await rest(1h);
    co_await rest(1ms);
    co_return x;
  };
  const auto outcomes = pool.try_map(f, xs, {.timeout_s = 0.05});
  EXPECT_EQ(outcomes[5].failure().kind, FailureKind::kTimeout);
  EXPECT_EQ(outcomes[6].value(), 6);
  EXPECT_THROW(pool.map(f, xs, {.timeout_s = 0.05}), TaskTimeout);
  EXPECT_THROW(pool.apply_async(CallOptions{.timeout_s = 0.02}, f, 5).get(), TaskTimeout);
}

TEST_F(AsyncTest, ReportsATimeoutThatTheTaskTriesToHide) {
  const auto f = [](int x) -> asio::awaitable<int> {
    try {
      if (x == 5) co_await rest(1h);
    } catch (const std::exception&) {
    }
    co_return x;
  };
  const auto outcomes = pool.try_map(f, xs, {.timeout_s = 0.02});
  EXPECT_EQ(outcomes[5].failure().kind, FailureKind::kTimeout);
}

TEST_F(AsyncTest, TimesEachItemOfAReduction) {
  const auto many = numbers(20000);  // five in a block
  const auto f = [](int x) -> asio::awaitable<int> {
    if (x == 12345) co_await rest(1h);
    co_return x;
  };
  try {
    pool.map_reduce(f, std::plus<>{}, many, {.timeout_s = 0.05});
    FAIL();
  } catch (const TaskTimeout& error) {
    EXPECT_EQ(error.index(), 12345u);
  }
}

TEST_F(AsyncTest, CancelsTheOtherTasksOnFailFast) {
  bool cleaned_up = false;
  int begun = 0;
  struct Mark {
    bool& to;
    ~Mark() { to = true; }
  };
  const auto f = [&](int x) -> asio::awaitable<void> {
    ++begun;
    if (x == 5) {
      co_await rest(5ms);
      throw std::domain_error("five");
    }
    const Mark mark{cleaned_up};
    co_await rest(1h);
  };
  try {
    pool.for_each(f, xs, {.on_error = OnError::kFailFast});
    FAIL();
  } catch (const std::domain_error& error) {
    EXPECT_EQ(dynamic_cast<const TaskError&>(error).index(), 5u);
  }
  EXPECT_TRUE(cleaned_up);
  EXPECT_EQ(begun, 16);
}

TEST_F(AsyncTest, RetriesWithTheSameRandomNumbers) {
  std::vector<int> tries(200);
  std::vector<double> drawn(200);
  const auto f = [&](int x) -> asio::awaitable<int> {
    const auto i = static_cast<std::size_t>(x);
    const double number = task_rng().uniform01();
    if (tries[i]++ == 0)
      drawn[i] = number;
    else
      EXPECT_EQ(drawn[i], number);
    co_await rest(uneven(i));
    if (x % 3 == 0 && tries[i] < 3) throw std::runtime_error("again");
    co_return tries[i];
  };
  const auto ys = pool.map(f, xs, {.retries = 2, .seed = 5});
  EXPECT_EQ(ys[3], 3);
  EXPECT_EQ(ys[4], 1);
  tries.assign(200, -10);
  EXPECT_EQ(pool.try_map(f, xs, {.retries = 1, .seed = 5})[3].failure().attempts, 2);
}

TEST_F(AsyncTest, RequestsAStopThroughTheStopToken) {
  const auto f = [](int x, std::stop_token token) -> asio::awaitable<bool> {
    if (x != 5) co_return false;
    asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
    const std::stop_callback stop(token, [&] { timer.cancel(); });
    try {
      co_await timer.async_wait(asio::use_awaitable);
    } catch (const std::exception&) {
    }
    if (token.stop_requested()) throw std::runtime_error("was asked to stop");
    co_return true;
  };
  EXPECT_EQ(pool.try_map(f, xs, {.timeout_s = 0.02})[5].failure().kind, FailureKind::kTimeout);
  EXPECT_FALSE(pool.map(f, std::vector<int>{1}, {.timeout_s = 10})[0]);
}

TEST_F(AsyncTest, RunsPlainFunctionsAtOnce) {
  EXPECT_EQ(pool.map([](int x) { return x + 1; }, xs)[9], 10);
  const auto caller = std::this_thread::get_id();
  EXPECT_EQ(pool.apply([] { return std::this_thread::get_id(); }), caller);
  int next = 0;
  for (int y : pool.imap([](int x) { return x; }, xs)) EXPECT_EQ(y, next++);
  EXPECT_EQ(pool.map([](int x) { return x; }, xs, {.timeout_s = 60}), xs);
}

TEST_F(AsyncTest, ReadsAnEndlessStreamOnlyALittleAhead) {
  int read = 0;
  auto source = std::views::iota(0) | std::views::transform([&](int x) {
                  ++read;
                  return x;
                });
  int taken = 0;
  for (int y : pool.imap(twice, source)) {
    EXPECT_EQ(y, 2 * taken);
    if (++taken == 500) break;
  }
  EXPECT_LT(read, 500 + 3 * 2 * 16 * 256);
}

TEST_F(AsyncTest, CancelsRunningTasksWhenAStreamIsDropped) {
  int ended = 0;
  struct Count {
    int& to;
    ~Count() { ++to; }
  };
  {
    auto range = pool.imap(
        [&](int x) -> asio::awaitable<int> {
          const Count count{ended};
          if (x > 0) co_await rest(1h);
          co_return x;
        },
        xs);
    EXPECT_EQ(*range.begin(), 0);
  }
  EXPECT_GE(ended, 16);
}

TEST_F(AsyncTest, RunsManyCallsOnOneThread) {
  std::atomic<int> now{0}, most{0};
  std::vector<Future<int>> futures;
  for (int i = 0; i < 200; ++i)
    futures.push_back(pool.apply_async(
        [&](int x) -> asio::awaitable<int> {
          most = std::max(most.load(), ++now);
          co_await rest(2ms);
          --now;
          co_return x;
        },
        i));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), i);
  pool.wait();
  EXPECT_GT(most, 1);
  EXPECT_LE(most, 16);
}

TEST_F(AsyncTest, RetriesCallsAndGivesEachItsOwnRandomStream) {
  std::atomic<int> tries{0};
  const auto f = [&]() -> asio::awaitable<double> {
    const double number = task_rng().uniform01();
    co_await rest(1ms);
    if (++tries < 3) throw std::runtime_error("again");
    co_return number;
  };
  const double first = pool.apply_async(CallOptions{.retries = 2}, f).get();
  EXPECT_EQ(tries, 3);
  EXPECT_NE(first, pool.apply(f));
}

TEST_F(AsyncTest, LetsACallStartAnother) {
  Future<int> inner;
  pool.apply([&]() -> asio::awaitable<void> {
    inner = pool.apply_async(twice, 4);
    co_await rest(1ms);
  });
  EXPECT_EQ(inner.get(), 8);
}

TEST_F(AsyncTest, WaitsForRunningCallsAndDropsTheRestAtTheEnd) {
  std::vector<Future<int>> futures;
  std::atomic<int> begun{0};
  {
    Pool brief{async(2)};
    for (int i = 0; i < 20; ++i)
      futures.push_back(brief.apply_async(
          [&begun](int x) -> asio::awaitable<int> {
            ++begun;
            co_await rest(20ms);
            co_return x;
          },
          i));
    while (begun < 2) std::this_thread::yield();
  }
  int cancelled = 0;
  for (auto& each : futures) {
    const auto outcome = each.outcome();
    if (outcome.ok()) continue;
    EXPECT_EQ(outcome.failure().kind, FailureKind::kCancelled);
    ++cancelled;
  }
  EXPECT_EQ(begun + cancelled, 20);
  EXPECT_GE(cancelled, 1);
}

TEST_F(AsyncTest, AllowsMapsInsideCoroutines) {
  const auto f = [&](int x) -> asio::awaitable<int> {
    co_await rest(uneven(static_cast<std::uint64_t>(x)));
    const auto inner = pool.map(twice, numbers(3));
    EXPECT_EQ(task_index(), static_cast<std::uint64_t>(x));
    co_return inner[2] + x;
  };
  EXPECT_EQ(pool.map(f, numbers(20))[7], 11);
}

TEST_F(AsyncTest, KeepsLeftoverCoroutinesOutOfOtherTasks) {
  int seen = 0;
  std::vector<int> many = numbers(40);
  const auto f = [&](int) -> asio::awaitable<void> {
    asio::co_spawn(
        co_await asio::this_coro::executor,
        [&]() -> asio::awaitable<void> {
          co_await rest(3ms);
          ++seen;
          EXPECT_FALSE(in_task());
          co_await rest(1h);  // ends with the map
        },
        asio::detached);
    co_await rest(1ms);
  };
  pool.for_each(f, many);
  pool.for_each(f, many);
  EXPECT_GT(seen, 0);
}

// Sockets made for the loop itself, rather than for the task's executor, also resume inside the task.
TEST_F(AsyncTest, ResumesSocketOperationsInTheirTask) {
  asio::io_context server_loop;
  asio::ip::tcp::acceptor acceptor(server_loop, {asio::ip::make_address("127.0.0.1"), 0});
  const auto endpoint = acceptor.local_endpoint();
  asio::co_spawn(
      server_loop,
      [&]() -> asio::awaitable<void> {
        for (;;) {
          auto socket = co_await acceptor.async_accept(asio::use_awaitable);
          asio::co_spawn(
              server_loop,
              [](asio::ip::tcp::socket own) -> asio::awaitable<void> {
                char byte = 0;
                co_await asio::async_read(own, asio::buffer(&byte, 1), asio::use_awaitable);
                co_await rest(1ms);
                ++byte;
                co_await asio::async_write(own, asio::buffer(&byte, 1), asio::use_awaitable);
              }(std::move(socket)),
              asio::detached);
        }
      },
      asio::detached);
  std::jthread server([&] { server_loop.run(); });
  const auto f = [&](int x) -> asio::awaitable<int> {
    const auto executor = co_await asio::this_coro::executor;
    auto& loop = static_cast<asio::io_context&>(asio::query(executor, asio::execution::context));
    asio::ip::tcp::socket socket(loop);
    co_await socket.async_connect(endpoint, asio::use_awaitable);
    char byte = static_cast<char>(x % 100);
    co_await asio::async_write(socket, asio::buffer(&byte, 1), asio::use_awaitable);
    co_await asio::async_read(socket, asio::buffer(&byte, 1), asio::use_awaitable);
    EXPECT_EQ(task_index(), static_cast<std::uint64_t>(x));
    co_return byte;
  };
  const auto ys = pool.map(f, xs);
  for (int x : xs) EXPECT_EQ(ys[static_cast<std::size_t>(x)], x % 100 + 1);
  server_loop.stop();
}

TEST_F(AsyncTest, ResumesAMap) {
  const support::TemporaryFolder folder;
  int calls = 0;
  bool works = false;
  const auto f = [&](int x) -> asio::awaitable<double> {
    ++calls;
    co_await rest(uneven(static_cast<std::uint64_t>(x)));
    if (!works && x == 50) throw std::runtime_error("not yet");
    co_return task_rng().uniform01();
  };
  const MapOptions options{.on_error = OnError::kFailFast, .resume = {"file", "f"}};
  EXPECT_THROW(pool.map(f, xs, options), std::runtime_error);
  EXPECT_LT(calls, 200);
  works = true;
  const auto ys = pool.map(f, xs, options);
  EXPECT_LT(calls, 200 + 17 * 2);
  EXPECT_EQ(ys, Pool(async(3)).map(f, xs));
}

TEST(AsyncPool, ThrowsInItsConstructorIfTheInitializerThrows) {
  EXPECT_THROW(Pool(async(2), {.initializer = [] { throw std::runtime_error("no"); }}), std::runtime_error);
}

}  // namespace
}  // namespace furrow
