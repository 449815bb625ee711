// Reductions, folds and recursive calls over threads, compared with oneTBB.
#include <tbb/blocked_range.h>
#include <tbb/combinable.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>
#include <tbb/task_group.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "furrow/pool.hpp"
#include "table.hpp"

namespace bench {

namespace {

constexpr std::size_t kNumbers = 10'000'000;
constexpr std::size_t kBytes = 20'000'000;
constexpr std::size_t kGrain = 4096;  // of oneTBB
constexpr int kFib = 27, kFibResult = 196'418, kCalls = 635'621;
constexpr std::size_t kWords = 3'000'000;

using Histogram = std::array<std::uint32_t, 256>;

Histogram& operator+=(Histogram& sum, const Histogram& more) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
  return sum;
}

void require(bool right) {
  if (!right) throw std::runtime_error("a contender computed something else");
}

Row sum_row(const std::shared_ptr<furrow::Pool>& pool) {
  auto numbers = std::make_shared<std::vector<double>>(kNumbers);
  for (std::size_t i = 0; i < kNumbers; ++i) (*numbers)[i] = static_cast<double>(i % 1000) * 0.5;
  const double expected = 499.5 * 0.5 * kNumbers;
  Row row{"threads: sum of 10 million doubles",
          "million/s",
          kNumbers / 1e6,
          {},
          {"0.95 of oneTBB", [](const auto& t) { return ratio_to(t, 1) >= 0.95; }},
          15,
          true};
  row.contenders = {
      {"Furrow map_reduce",
       [=] {
         double sum = 0;
         const double t =
             timed([&] { sum = pool->map_reduce([](double x) { return x; }, std::plus<>{}, *numbers); });
         require(sum == expected);
         return t;
       }},
      {"oneTBB, deterministic",
       [=] {
         double sum = 0;
         const double t = timed([&] {
           sum = tbb::parallel_deterministic_reduce(
               tbb::blocked_range<std::size_t>(0, kNumbers, kGrain), 0.0,
               [&](const auto& part, double from) {
                 for (std::size_t i = part.begin(); i < part.end(); ++i) from += (*numbers)[i];
                 return from;
               },
               std::plus<>{});
         });
         require(sum == expected);
         return t;
       }},
  };
  return row;
}

using Counts = std::unordered_map<std::string_view, std::uint32_t>;

Counts& operator+=(Counts& sum, const Counts& more) {
  for (const auto& [word, count] : more) sum[word] += count;
  return sum;
}

template <class Counted, class Item>
Counted counted_by_tbb(const std::vector<Item>& items) {
  tbb::combinable<Counted> parts([] { return Counted{}; });
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, items.size(), kGrain), [&](const auto& part) {
    Counted& local = parts.local();
    for (std::size_t i = part.begin(); i < part.end(); ++i) ++local[items[i]];
  });
  Counted sum{};
  parts.combine_each([&](const Counted& part) { sum += part; });
  return sum;
}

Row histogram_row(const std::shared_ptr<furrow::Pool>& pool) {
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(kBytes);
  std::uint32_t state = 1;
  for (auto& byte : *bytes) byte = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  Histogram expected{};
  for (const std::uint8_t byte : *bytes) ++expected[byte];
  Row row{"threads: histogram of 20 million bytes",
          "million/s",
          kBytes / 1e6,
          {},
          {"0.9 of oneTBB", [](const auto& t) { return ratio_to(t, 1) >= 0.9; }},
          15,
          true};
  row.contenders = {
      {"Furrow map_fold",
       [=] {
         Histogram counts{};
         const double t = timed([&] {
           counts = pool->map_fold(
               Histogram{}, [](Histogram& all, std::uint8_t byte) { ++all[byte]; },
               [](Histogram a, const Histogram& b) { return a += b; }, *bytes);
         });
         require(counts == expected);
         return t;
       }},
      {"oneTBB, combinable",
       [=] {
         Histogram counts{};
         const double t = timed([&] { counts = counted_by_tbb<Histogram>(*bytes); });
         require(counts == expected);
         return t;
       }},
  };
  return row;
}

// Few words are frequent and many are rare, as in a text.
std::vector<std::string> text() {
  std::vector<std::string> words(kWords);
  std::uint32_t state = 1;
  for (std::string& word : words) {
    state = state * 1664525 + 1013904223;
    word = "word" + std::to_string(2'000'000 / (1 + (state >> 12)));
  }
  return words;
}

Row words_row(const std::shared_ptr<furrow::Pool>& pool) {
  auto words = std::make_shared<std::vector<std::string>>(text());
  Counts expected;
  for (const std::string& word : *words) ++expected[word];
  Row row{"threads: word count of 3 million words",
          "million/s",
          kWords / 1e6,
          {},
          {"0.9 of oneTBB", [](const auto& t) { return ratio_to(t, 1) >= 0.9; }},
          15,
          true};
  row.contenders = {
      {"Furrow map_fold",
       [=] {
         Counts counts;
         const double t = timed([&] {
           counts = pool->map_fold(
               Counts{}, [](Counts& all, const std::string& word) { ++all[word]; },
               [](Counts a, const Counts& b) { return std::move(a += b); }, *words);
         });
         require(counts == expected);
         return t;
       }},
      {"oneTBB, combinable",
       [=] {
         Counts counts;
         const double t = timed([&] { counts = counted_by_tbb<Counts>(*words); });
         require(counts == expected);
         return t;
       }},
  };
  return row;
}

int fib_of_calls(furrow::Pool& pool, int n) {
  if (n < 2) return n;
  auto left = pool.apply_async([&pool, n] { return fib_of_calls(pool, n - 1); });
  const int right = fib_of_calls(pool, n - 2);
  return left.get() + right;
}

int fib_of_groups(int n) {
  if (n < 2) return n;
  int left = 0;
  tbb::task_group group;
  group.run([&left, n] { left = fib_of_groups(n - 1); });
  const int right = fib_of_groups(n - 2);
  group.wait();
  return left + right;
}

Row fib_row(const std::shared_ptr<furrow::Pool>& pool) {
  Row row{"threads: recursive fib(27), a call for each step",
          "million/s",
          kCalls / 1e6,
          {},
          {"0.9 of oneTBB", [](const auto& t) { return ratio_to(t, 1) >= 0.9; }},
          15,
          true};
  row.contenders = {
      {"Furrow apply_async",
       [=] {
         return timed([&] { require(pool->apply([&] { return fib_of_calls(*pool, kFib); }) == kFibResult); });
       }},
      {"oneTBB task_group", [=] { return timed([] { require(fib_of_groups(kFib) == kFibResult); }); }},
  };
  return row;
}

}  // namespace

std::vector<Row> reduce_rows(int workers) {
  auto pool = std::make_shared<furrow::Pool>(furrow::threads(workers));
  auto limit = std::make_shared<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                     static_cast<std::size_t>(workers));
  std::vector<Row> rows{sum_row(pool), histogram_row(pool), words_row(pool), fib_row(pool)};
  for (Row& row : rows)  // the limit lasts as long as the rows
    for (Contender& each : row.contenders) each.run = [limit, run = std::move(each.run)] { return run(); };
  return rows;
}

}  // namespace bench
