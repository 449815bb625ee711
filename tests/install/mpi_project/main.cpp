#include <cstdio>
#include <furrow/mpi.hpp>
#include <vector>

int main() {
  furrow::Pool pool{furrow::mpi(1)};
  const std::vector<int> ys = pool.map([](int x) { return x * x; }, std::vector<int>{1, 2, 3});
  std::printf("%d %d %d\n", ys[0], ys[1], ys[2]);
}
