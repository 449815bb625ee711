// Data that are made where they live: the warmest and the mean of many stations' years, on any number of
// ranks with the same bits.
//
//   mpirun -n 4 climate [STATIONS]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <furrow/mpi.hpp>
#include <furrow/partitioned.hpp>
#include <furrow/task.hpp>
#include <vector>

namespace {

constexpr int kDays = 365;

// A station's year. A real program would read the station's file here.
std::vector<double> year(std::uint64_t station) {
  furrow::Philox& random = furrow::task_rng();
  std::vector<double> days(kDays);
  for (int day = 0; day < kDays; ++day)
    days[static_cast<std::size_t>(day)] = 10 - 12 * std::cos(2 * M_PI * day / kDays) + 3 * random.normal() +
                                          0.01 * static_cast<double>(station % 100);
  return days;
}

double sum_of(const std::vector<double>& days) {
  double sum = 0;
  for (double each : days) sum += each;
  return sum;
}

double warmest_of(const std::vector<double>& days) {
  double warmest = days.front();
  for (double each : days) warmest = std::fmax(warmest, each);
  return warmest;
}

double larger(double a, double b) { return std::fmax(a, b); }

}  // namespace

int main(int argc, char** argv) {
  furrow::Pool pool{furrow::mpi()};  // only rank 0 goes on from here
  const std::uint64_t stations = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 5000;
  auto years = furrow::partition(pool, stations, year);
  const double sum = years.map_reduce(sum_of, std::plus<>{});
  const double warmest = years.map_reduce(warmest_of, larger);
  std::printf("%llu stations: mean %.17g, warmest day %.17g\n", static_cast<unsigned long long>(stations),
              sum / static_cast<double>(stations) / kDays, warmest);
}
