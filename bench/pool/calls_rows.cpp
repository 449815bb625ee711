// Separate calls, compared with Asio's pool with futures and std::async.
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>
#include <future>
#include <memory>
#include <stdexcept>
#include <vector>

#include "furrow/pool.hpp"
#include "table.hpp"

namespace bench {

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
  return {calls, few};
}

}  // namespace bench
