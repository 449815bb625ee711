#include <cstdio>
#include <furrow/cpu_count.hpp>
#include <furrow/pool.hpp>
#include <furrow/random.hpp>
#include <furrow/shared_array.hpp>
#include <vector>

int main() {
  furrow::shared_array<double> squares(1000);
  furrow::Pool pool{furrow::threads(2)};
  const std::vector<int> numbers = pool.map([](int i) { return i + 1; }, std::vector<int>{0, 1, 2, 998});
  for (const int n : numbers) squares[n] = n * n;
  furrow::Philox random(1, 2, 3);
  std::printf("%g %016llx %s\n", squares[1] + squares[3] + squares[999],
              static_cast<unsigned long long>(random()),
              furrow::cpu_count() >= 1 && furrow::cpu_count(true) >= furrow::cpu_count() ? "cores" : "none");
}
