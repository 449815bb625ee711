// The frame of the benchmark: Furrow and each rival do the same work, in turn within one run; prints their
// ratio.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace bench {

// One way to do the work; returns how many seconds it took. Checks its own results and throws if they are
// wrong.
struct Contender {
  std::string name;
  std::function<double()> run;
};

// The goal of a row. MET gets the median of each contender, in seconds or MB.
struct Goal {
  std::string text{};  // empty: none
  std::function<bool(const std::vector<double>& medians)> met{};
};

struct Row {
  std::string work;
  // Of a rate, such as "million/s"; or "s" for times, "MB" for sizes.
  std::string unit;
  // How much work a run does, in the measure of the unit; unused for plain times.
  double amount = 1;
  // Furrow first.
  std::vector<Contender> contenders;
  Goal goal{};
  int repeats = 7;
  // Each contender runs twice in its turn, and the second run is timed: for work that ends before the machine
  // has woken a sleeping thread, which can take some milliseconds here for any program.
  bool warmed_up = false;
};

// How many seconds BODY takes.
template <class Body>
double timed(const Body& body);

// Runs the contenders of ROW in turn, and prints the median of each with its ratio to Furrow's. True if the
// goal was met or there is none.
bool measure(const Row& row);

void print_head(int workers);

// Furrow's rate divided by a rival's, plus half a digit, so that what is printed as 1.00 counts as 1.
inline double ratio_to(const std::vector<double>& medians, std::size_t rival) {
  return medians[rival] / medians[0] + 0.005;
}

std::vector<Row> thread_rows(int workers);
std::vector<Row> call_rows(int workers);
std::vector<Row> reduce_rows(int workers);
std::vector<Row> async_rows(int workers);
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
