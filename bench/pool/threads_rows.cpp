// Maps over threads, compared with oneTBB, OpenMP and a plain loop.
#include <omp.h>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "furrow/pool.hpp"
#include "table.hpp"

namespace bench {

namespace {

constexpr std::size_t kCheap = 20'000'000;
constexpr std::size_t kIrregular = 20'000;

struct Cheap {
  std::vector<std::uint32_t> in = std::vector<std::uint32_t>(kCheap);
  std::vector<std::uint32_t> out = std::vector<std::uint32_t>(kCheap);
  Cheap() { std::iota(in.begin(), in.end(), 0u); }
  static std::uint32_t call(std::uint32_t x) { return x * 2654435761u + 17u; }
};

// Computes for about 5 us, and 100 times as long for 1% of the tasks: about 0.2 s in all.
std::uint64_t spin(std::uint64_t rounds) {
  std::uint64_t x = rounds | 1;
  for (std::uint64_t i = 0; i < rounds; ++i) x = x * 6364136223846793005u + 1442695040888963407u;
  return x;
}
std::uint64_t irregular(std::uint32_t i) { return spin((i * 2654435761u) % 100 == 0 ? 500'000 : 5'000); }

void same(std::uint64_t a, std::uint64_t b) {
  if (a != b) throw std::runtime_error("a contender computed something else");
}

}  // namespace

std::vector<Row> thread_rows(int workers) {
  auto data = std::make_shared<Cheap>();
  auto pool = std::make_shared<furrow::Pool>(furrow::threads(workers));
  auto one = std::make_shared<furrow::Pool>(furrow::threads(1));
  auto limit = std::make_shared<tbb::global_control>(tbb::global_control::max_allowed_parallelism, workers);

  Row cheap{"threads: map_into of 20 million cheap calls",
            "million/s",
            kCheap / 1e6,
            {},
            {"as fast as the faster rival",
             [](const auto& t) { return std::min(ratio_to(t, 1), ratio_to(t, 2)) >= 1; }},
            45,
            true};
  cheap.contenders = {
      {"Furrow",
       [=] {
         return timed([&] {
           pool->map_into(
               data->out, [](std::uint32_t x) { return Cheap::call(x); }, data->in);
         });
       }},
      {"oneTBB",
       [=] {
         static_cast<void>(limit);
         return timed([&] {
           tbb::parallel_for(tbb::blocked_range<std::size_t>(0, kCheap), [&](const auto& part) {
             for (std::size_t i = part.begin(); i < part.end(); ++i) data->out[i] = Cheap::call(data->in[i]);
           });
         });
       }},
      {"OpenMP",
       [=] {
         return timed([&] {
#pragma omp parallel for num_threads(workers)
           for (std::size_t i = 0; i < kCheap; ++i) data->out[i] = Cheap::call(data->in[i]);
         });
       }},
  };

  Row single{"threads: the same with one worker",
             "million/s",
             kCheap / 1e6,
             {},
             {"as fast as a plain loop", [](const auto& t) { return ratio_to(t, 1) >= 1; }},
             45,
             true};
  single.contenders = {
      {"Furrow",
       [=] {
         return timed([&] {
           one->map_into(
               data->out, [](std::uint32_t x) { return Cheap::call(x); }, data->in);
         });
       }},
      {"a plain loop",
       [=] {
         return timed([&] {
           for (std::size_t i = 0; i < kCheap; ++i) data->out[i] = Cheap::call(data->in[i]);
         });
       }},
  };

  auto items = std::make_shared<std::vector<std::uint32_t>>(kIrregular);
  std::iota(items->begin(), items->end(), 0u);
  auto results = std::make_shared<std::vector<std::uint64_t>>(kIrregular);
  auto sum = [=] { return std::accumulate(results->begin(), results->end(), std::uint64_t{0}); };
  std::uint64_t expected = 0;
  for (std::uint32_t i : *items) expected += irregular(i);
  Row uneven{"threads: 20,000 irregular tasks, 1% 100 times longer",
             "s",
             1,
             {},
             {"0.97 of the fastest rival and of ideal",
              [](const auto& t) {
                return std::min({ratio_to(t, 1), ratio_to(t, 2), ratio_to(t, 3)}) >= 0.97;
              }},
             7};
  uneven.contenders = {
      {"Furrow",
       [=] {
         const double t = timed([&] { pool->map_into(*results, irregular, *items); });
         same(sum(), expected);
         return t;
       }},
      {"oneTBB",
       [=] {
         const double t = timed([&] {
           tbb::parallel_for(std::size_t{0}, kIrregular,
                             [&](std::size_t i) { (*results)[i] = irregular((*items)[i]); });
         });
         same(sum(), expected);
         return t;
       }},
      {"OpenMP, dynamic",
       [=] {
         const double t = timed([&] {
#pragma omp parallel for num_threads(workers) schedule(dynamic, 1)
           for (std::size_t i = 0; i < kIrregular; ++i) (*results)[i] = irregular((*items)[i]);
         });
         same(sum(), expected);
         return t;
       }},
      // Keeps both cores busy all the time with nothing to distribute: each thread does all of the work.
      {"ideal",
       [=] {
         return timed([&] {
                  std::vector<std::jthread> all;
                  for (int w = 0; w < workers; ++w)
                    all.emplace_back([&] {
                      for (std::uint32_t i : *items) {
                        volatile auto x = irregular(i);
                        static_cast<void>(x);
                      }
                    });
                }) /
                workers;
       }},
  };
  return {cheap, single, uneven};
}

}  // namespace bench
