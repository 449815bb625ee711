// A Pool of threads allocates nothing for map_into and for_each, and once for each call; later calls use the memory
// of those that have ended, whichever thread has deleted them. This is a program of
// its own, since it replaces operator new.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <furrow/pool.hpp>
#include <new>
#include <vector>

namespace {

std::atomic<long> allocations{0};

void* counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

long expect(const char* what, long most, long found) {
  std::printf("%s: %ld allocations, at most %ld\n", what, found, most);
  return found > most;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

int main() {
  furrow::Pool pool{furrow::threads(2)};
  const std::vector<int> items(10'000, 1);
  std::vector<int> results(items.size());
  const auto once = [&](auto&& work) {
    const long before = allocations;
    work();
    return allocations - before;
  };
  const auto into = [&] {
    pool.map_into(
        results, [](int x) { return x + 1; }, items);
  };
  const auto each = [&] { pool.for_each([](int) {}, items); };
  once(into);  // the first map allocates what later maps reuse
  long failed = expect("map_into", 0, once(into)) + expect("for_each", 0, once(each));

  constexpr int kCalls = 1000;
  std::vector<furrow::Future<int>> futures;
  futures.reserve(kCalls);
  const auto calls = [&] {
    for (int i = 0; i < kCalls; ++i) futures.push_back(pool.apply_async([](int x) { return x; }, i));
    for (auto& future : futures) future.wait();
  };
  failed += expect("1,000 calls", kCalls, once(calls));
  futures.clear();
  failed += expect("1,000 calls more", kCalls / 4, once(calls));  // each worker keeps some memory for itself
  return failed != 0;
}
