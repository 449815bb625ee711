// A program of a user that makes each call on each backend, so that all kinds of containers, callables and results
// pass between the headers, which it compiles with flags of its own, and the library.
#include <furrow/async.hpp>
#include <furrow/pool.hpp>
#include <furrow/serialize.hpp>
#include <furrow/shared_array.hpp>

#include <cstdio>
#include <functional>
#include <list>
#include <map>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

const std::vector<int> numbers{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

std::size_t maps(furrow::Pool& pool) {
  std::size_t sum = 0;
  std::vector<int> out(numbers.size());
  pool.map_into(
      out, [](int x) { return x + 1; }, numbers);
  for (int y : out) sum += static_cast<std::size_t>(y);
  for (bool y : pool.map([](int x) { return x > 3; }, std::list<int>(numbers.begin(), numbers.end())))
    sum += y;
  for (const auto& y :
       pool.map([](int x) { return std::vector<std::string>(2, std::to_string(x)); }, numbers))
    sum += y.size();
  for (const auto& y : pool.map([](int x) { return std::map<int, std::string>{{x, "a"}}; }, numbers))
    sum += y.size();
  for (int y : pool.imap([](int x) { return x; }, std::views::iota(0, 200)))
    sum += static_cast<std::size_t>(y);
  for (int y : pool.imap_unordered([](int x) { return x; }, numbers)) sum += static_cast<std::size_t>(y);
  return sum + static_cast<std::size_t>(pool.map_reduce([](int x) { return x; }, std::plus<>{}, numbers));
}

std::size_t calls(furrow::Pool& pool) {
  std::size_t sum = 0;
  std::vector<furrow::Future<int>> futures;
  for (int i = 0; i < 50; ++i) futures.push_back(pool.apply_async([](int x) { return x; }, i));
  for (auto& each : futures) sum += static_cast<std::size_t>(each.get());
  auto text = pool.apply_async([](std::string word) { return word + "!"; }, std::string(100, 'x'));
  text.on_success([&sum](const std::string& result) { sum += result.size(); });
  pool.wait();
  return sum;
}

std::size_t failures(furrow::Pool& pool) {
  std::size_t sum = 0;
  const auto odd = [](int x) { return x % 2 ? x : throw std::out_of_range("even: " + std::to_string(x)); };
  for (const auto& each : pool.try_map(odd, numbers, {.retries = 1}))
    sum += each.ok() ? 1 : each.failure().message.size();
  try {
    pool.map(odd, numbers);
  } catch (const std::out_of_range& error) {
    sum += dynamic_cast<const furrow::TaskError&>(error).index();
  }
  try {
    pool.map(odd, numbers, {.retries = -1});
  } catch (const std::invalid_argument&) {
    ++sum;
  }
  return sum;
}

}  // namespace

int main() {
  // Processes first, as long as there are no threads.
  for (auto backend : {furrow::serial(), furrow::processes(2), furrow::async(2), furrow::threads(3)}) {
    furrow::Pool pool{backend, {.initializer = [] {}, .seed = 1}};
    const std::size_t of_maps = maps(pool), of_calls = calls(pool), of_failures = failures(pool);
    std::printf("%s: %zu %zu %zu\n", furrow::name(backend.kind), of_maps, of_calls, of_failures);
  }
  furrow::shared_array<int> shared(4);
  furrow::Pool pool;
  pool.for_each([&](int i) { shared[std::size_t(i)] = i; }, std::views::iota(0, 4));
  std::printf("%d\n", shared[1] + shared[3]);
}
