// Estimates pi with random points, in parallel: a complete program to copy.
//
//   cmake -S . -B build && cmake --build build && build/pi
//
// Where Furrow is not installed in /usr or /usr/local, add -DCMAKE_PREFIX_PATH=$HOME/.local to the first command.
#include <cstdio>
#include <functional>
#include <furrow/pool.hpp>
#include <vector>

// How many of 100,000 random points of the unit square lie within the circle.
int hits(int /*task*/) {
  furrow::Philox& random = furrow::task_rng();  // this task's own random numbers
  int inside = 0;
  for (int point = 0; point < 100'000; ++point) {
    const double x = random.uniform01(), y = random.uniform01();
    inside += x * x + y * y < 1;
  }
  return inside;
}

int main() {
  const std::vector<int> tasks(200);
  furrow::Pool pool;  // threads, one for each physical core; try furrow::Pool pool{furrow::processes()};
  const int inside = pool.map_reduce(hits, std::plus<>{}, tasks);
  // The same digits on any number of cores, since each task draws numbers of its own.
  std::printf("pi is about %.6f\n", 4.0 * inside / (200 * 100'000.0));
}
