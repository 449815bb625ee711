// The price of an Asian option by Monte Carlo: the same to the last bit on every backend, for any number of
// workers.
//
//   monte_carlo [serial|threads|processes] [WORKERS] [PATHS]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <furrow/pool.hpp>
#include <string>
#include <vector>

namespace {

// A share of price 100 that drifts with 5% and moves with 20% a year; the option pays what its mean price
// over a year of weeks is above 100.
constexpr int kWeeks = 52;
constexpr double kStart = 100, kStrike = 100, kRate = 0.05, kVolatility = 0.2;
constexpr int kPathsPerTask = 1000;

struct Sums {
  double pay = 0;
  double squares = 0;
  Sums operator+(const Sums& other) const { return {pay + other.pay, squares + other.squares}; }
};

double payoff(furrow::Philox& random) {
  constexpr double step = 1.0 / kWeeks;
  double price = kStart, sum = 0;
  for (int week = 0; week < kWeeks; ++week) {
    price *= std::exp((kRate - kVolatility * kVolatility / 2) * step +
                      kVolatility * std::sqrt(step) * random.normal());
    sum += price;
  }
  return std::exp(-kRate) * std::fmax(sum / kWeeks - kStrike, 0);
}

Sums some_paths(int /*task*/) {
  furrow::Philox& random = furrow::task_rng();  // this task's own stream
  Sums sums;
  for (int i = 0; i < kPathsPerTask; ++i) {
    const double pay = payoff(random);
    sums = sums + Sums{pay, pay * pay};
  }
  return sums;
}

furrow::Backend backend_of(const std::string& name, int workers) {
  if (name == "serial") return furrow::serial();
  if (name == "threads") return furrow::threads(workers);
  if (name == "processes") return furrow::processes(workers);
  std::fprintf(stderr, "monte_carlo: there is no backend '%s': serial, threads or processes\n", name.c_str());
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  const int workers = argc > 2 ? std::atoi(argv[2]) : 0;
  const int tasks = (argc > 3 ? std::atoi(argv[3]) : 400'000) / kPathsPerTask;
  furrow::Pool pool{backend_of(argc > 1 ? argv[1] : "threads", workers), {.seed = 2026}};

  const Sums sums =
      pool.map_reduce(some_paths, std::plus<>{}, std::vector<int>(static_cast<std::size_t>(tasks)), Sums{},
                      {.progress = true});
  const double paths = static_cast<double>(tasks) * kPathsPerTask;
  const double mean = sums.pay / paths;
  const double error = std::sqrt((sums.squares / paths - mean * mean) / paths);
  std::printf("%.17g +- %.2g from %.0f paths\n", mean, error, paths);
}
