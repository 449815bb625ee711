// The work of mpi_rows.py with a Pool over MPI: prints seconds, and the other result of the row.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "furrow/mpi.hpp"

namespace {

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Of this process only; its workers are children of another process.
double processor_s() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

int same(int x) { return x; }
std::vector<double> same_array(const std::vector<double>& x) { return x; }
int nap(int x) {
  ::usleep(20'000);
  return x;
}

std::vector<int> numbers(int count) {
  std::vector<int> made(static_cast<std::size_t>(count));
  std::iota(made.begin(), made.end(), 0);
  return made;
}

void empty_tasks(furrow::Pool& pool, int count, std::size_t chunksize) {
  const auto inputs = numbers(count);
  pool.map(same, numbers(1000), {.chunksize = chunksize});
  const double began = now_s();
  const auto results = pool.map(same, inputs, {.chunksize = chunksize});
  std::printf("%.6f\n", now_s() - began);
  if (results != inputs) std::abort();
}

// The median of several rounds after a first one: using memory for the first time costs more than all the
// copies.
void arrays(furrow::Pool& pool) {
  const std::vector<std::vector<double>> two(2, std::vector<double>(std::size_t{8} << 20, 0.5));
  std::vector<double> took;
  for (int round = 0; round < 6; ++round) {
    const double began = now_s();
    const auto results = pool.map(same_array, two, {.chunksize = 1});
    if (round > 0) took.push_back(now_s() - began);
    if (results != two) std::abort();
  }
  std::sort(took.begin(), took.end());
  std::printf("%.6f\n", took[took.size() / 2]);
}

// Tasks that only wait, so that all workers work at the same time on any number of cores.
void naps(furrow::Pool& pool, int each) {
  const auto inputs = numbers(pool.workers() * each);
  pool.map(nap, numbers(pool.workers()));
  const double began = now_s(), processor = processor_s();
  pool.map(nap, inputs);
  const double seconds = now_s() - began;
  std::printf("%.6f %d %.6f\n", seconds, static_cast<int>(inputs.size()), processor_s() - processor);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string row = argc > 1 ? argv[1] : "";
  const int count = argc > 2 ? std::atoi(argv[2]) : 0;
  furrow::Pool pool{furrow::mpi(argc > 3 ? std::atoi(argv[3]) : 1, false)};
  if (row == "singly") empty_tasks(pool, count, 1);
  if (row == "chunks") empty_tasks(pool, count, 0);
  if (row == "arrays") arrays(pool);
  if (row == "naps") naps(pool, count);
}
