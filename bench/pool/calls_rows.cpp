// Separate calls, compared with Asio's pool, std::async, and a plain pool.
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "furrow/pool.hpp"
#include "plain_pool.hpp"
#include "table.hpp"

namespace bench {

namespace {

// Nobody asks for the result of a call; in the end all are waited for.
Row detached_row(int workers, const std::shared_ptr<furrow::Pool>& pool) {
  constexpr int kCalls = 300'000;
  auto plain_pool = std::make_shared<PlainPool>(workers);
  Row row{"threads: 300,000 detached calls",
          "million/s",
          kCalls / 1e6,
          {},
          {"1.2 times the plain pool", [](const auto& t) { return ratio_to(t, 1) >= 1.2; }},
          7};
  const auto counted = [](auto& to, const auto& post) {
    std::atomic<int> sum{0};
    const double t = timed([&] {
      for (int i = 0; i < kCalls; ++i) post([&sum] { sum.fetch_add(1, std::memory_order_relaxed); });
      to.wait();
    });
    if (sum != kCalls) throw std::runtime_error("a contender lost calls");
    return t;
  };
  row.contenders = {
      {"Furrow apply_async",
       [=] { return counted(*pool, [&](auto call) { pool->apply_async(std::move(call)); }); }},
      {"a plain pool",
       [=] { return counted(*plain_pool, [&](auto call) { plain_pool->post(std::move(call)); }); }},
  };
  return row;
}

// One call at a time, each after the pool has been idle for longer than threads look for work.
Row latency_row(int workers, const std::shared_ptr<furrow::Pool>& pool) {
  constexpr int kCalls = 200;
  auto plain_pool = std::make_shared<PlainPool>(workers);
  Row row{"threads: a call of an idle pool, waited for, 200 times",
          "s",
          1,
          {},
          {"as fast as the plain pool", [](const auto& t) { return ratio_to(t, 1) >= 1; }},
          15};
  const auto one_by_one = [](const auto& call) {
    double took = 0;
    for (int i = 0; i < kCalls; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      took += timed([&] {
        if (call(i) != i) throw std::runtime_error("wrong result");
      });
    }
    return took;
  };
  row.contenders = {
      {"Furrow apply", [=] { return one_by_one([&](int i) { return pool->apply([i] { return i; }); }); }},
      {"a plain pool",
       [=] { return one_by_one([&](int i) { return plain_pool->submit([i] { return i; }).get(); }); }},
  };
  return row;
}

}  // namespace

std::vector<Row> call_rows(int workers) {
  constexpr int kCalls = 300'000;
  constexpr int kFewer = 3'000;
  auto pool = std::make_shared<furrow::Pool>(furrow::threads(workers));
  auto asio_pool = std::make_shared<asio::thread_pool>(static_cast<std::size_t>(workers));

  Row calls{"threads: 300,000 separate empty calls, with results",
            "million/s",
            kCalls / 1e6,
            {},
            {"3 times Asio's pool", [](const auto& t) { return ratio_to(t, 1) >= 3; }},
            7};
  calls.contenders = {
      {"Furrow apply_async",
       [=] {
         return timed([&] {
           std::vector<furrow::Future<int>> futures;
           futures.reserve(kCalls);
           for (int i = 0; i < kCalls; ++i) futures.push_back(pool->apply_async([](int x) { return x; }, i));
           for (int i = 0; i < kCalls; ++i)
             if (futures[static_cast<std::size_t>(i)].get() != i) throw std::runtime_error("wrong result");
         });
       }},
      {"Asio, futures",
       [=] {
         return timed([&] {
           std::vector<std::future<int>> futures;
           futures.reserve(kCalls);
           for (int i = 0; i < kCalls; ++i)
             futures.push_back(asio::post(*asio_pool, asio::use_future([i] { return i; })));
           for (int i = 0; i < kCalls; ++i)
             if (futures[static_cast<std::size_t>(i)].get() != i) throw std::runtime_error("wrong result");
         });
       }},
  };
  Row few{"threads: 3,000 separate empty calls", "million/s", kFewer / 1e6, {}, {}, 7};
  few.contenders = {
      {"Furrow apply_async",
       [=] {
         return timed([&] {
           std::vector<furrow::Future<int>> futures;
           for (int i = 0; i < kFewer; ++i) futures.push_back(pool->apply_async([](int x) { return x; }, i));
           for (auto& each : futures) each.get();
         });
       }},
      {"std::async",
       [=] {
         return timed([&] {
           std::vector<std::future<int>> futures;
           for (int i = 0; i < kFewer; ++i)
             futures.push_back(std::async(std::launch::async, [i] { return i; }));
           for (auto& each : futures) each.get();
         });
       }},
  };
  return {calls, few, detached_row(workers, pool), latency_row(workers, pool)};
}

}  // namespace bench
