// Coroutines in flight on one thread, compared with Asio alone.
#include <furrow/async.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "table.hpp"

namespace bench {

namespace {

constexpr int kTasks = 100'000;

asio::awaitable<int> at_once(int x) { co_return x; }

asio::awaitable<int> in_a_millisecond(int x) {
  asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(1));
  co_await timer.async_wait(asio::use_awaitable);
  co_return x;
}

using Function = asio::awaitable<int> (*)(int);

Row coroutines_row(const std::string& work, Function function) {
  auto pool = std::make_shared<furrow::Pool>(furrow::async(kTasks));
  auto items = std::make_shared<std::vector<int>>(kTasks);
  std::iota(items->begin(), items->end(), 0);
  const auto check = [items](const std::vector<int>& results) {
    if (results != *items) throw std::runtime_error("a contender computed something else");
  };
  Row row{work,
          "million/s",
          kTasks / 1e6,
          {},
          {"as fast as Asio", [](const auto& t) { return ratio_to(t, 1) >= 1; }},
          15};
  row.contenders = {
      {"Furrow map",
       [=] {
         std::vector<int> results;
         const double t = timed([&] { results = pool->map(function, *items); });
         check(results);
         return t;
       }},
      {"Asio co_spawn",
       [=] {
         std::vector<int> results;
         const double t = timed([&] {
           results.resize(items->size());
           asio::io_context io(1);
           for (std::size_t i = 0; i < items->size(); ++i)
             asio::co_spawn(
                 io,
                 [function, &results, &items, i]() -> asio::awaitable<void> {
                   results[i] = co_await function((*items)[i]);
                 },
                 asio::detached);
           io.run();
         });
         check(results);
         return t;
       }},
  };
  return row;
}

}  // namespace

std::vector<Row> async_rows(int) {
  return {coroutines_row("async: 100,000 coroutines that return at once", at_once),
          coroutines_row("async: 100,000 coroutines that wait for a timer of 1 ms", in_a_millisecond)};
}

}  // namespace bench
