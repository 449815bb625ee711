// The frame of the benchmark: the same work for Furrow and for each rival, turn by turn in one run, and their
// ratio.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace bench {

// One way to do the work; returns how long it took, in seconds. Checks its own results and throws where they
// are wrong.
struct Contender {
  std::string name;
  std::function<double()> run;
};

// What a row should show. MET is given the median of each contender: seconds, or MB.
struct Goal {
  std::string text{};  // empty: none
  std::function<bool(const std::vector<double>& medians)> met{};
};

struct Row {
  std::string work;
  std::string unit;                   // of a rate, as "million/s"; or "s" for times, "MB" for sizes
  double amount = 1;                  // units of work in a run, in the unit's measure; unused for plain times
  std::vector<Contender> contenders;  // Furrow first
  Goal goal{};
  int repeats = 7;
  // Each turn is taken twice and the second is timed: for work that is over before a machine has woken a
  // thread that sleeps, which here takes up to some milliseconds for any thread of anybody's.
  bool warmed_up = false;
};

// Seconds that BODY takes.
template <class Body>
double timed(const Body& body);

// Runs the contenders of ROW in turn, and prints the median of each with its ratio to Furrow's. Whether the
// goal was met; true where there is none.
bool measure(const Row& row);

void print_head(int workers);

// Furrow's rate over that of a rival, rounded up half a digit: what is printed as 1.00 counts as 1.
inline double ratio_to(const std::vector<double>& medians, std::size_t rival) {
  return medians[rival] / medians[0] + 0.005;
}

std::vector<Row> thread_rows(int workers);
std::vector<Row> call_rows(int workers);
std::vector<Row> process_rows(int workers);
std::vector<Row> header_rows(int workers);

}  // namespace bench

#include <chrono>

template <class Body>
double bench::timed(const Body& body) {
  const auto began = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}
