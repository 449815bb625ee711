#include "table.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <thread>

namespace bench {

namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

void print_head(int workers) {
  std::printf("%d workers; medians; the ratio is Furrow's rate over the rival's\n\n", workers);
  std::printf("%-58s  %-22s  %18s  %7s\n", "work", "who", "median", "ratio");
}

bool measure(const Row& row) {
  std::vector<std::vector<double>> times(row.contenders.size());
  for (int turn = 0; turn < row.repeats; ++turn)
    for (std::size_t i = 0; i < row.contenders.size(); ++i) {
      // Workers of the previous contender (libgomp's, oneTBB's and ours) spin for a while before they sleep,
      // and would occupy the cores of the next one.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (row.warmed_up) row.contenders[i].run();
      times[i].push_back(row.contenders[i].run());
    }
  std::vector<double> medians;
  for (const auto& each : times) medians.push_back(median(each));
  for (std::size_t i = 0; i < row.contenders.size(); ++i) {
    const double took = medians[i];
    char figure[64];
    if (row.unit == "s")
      std::snprintf(figure, sizeof figure, "%.4f s", took);
    else if (row.unit == "MB")
      std::snprintf(figure, sizeof figure, "%.0f MB", took);
    else
      std::snprintf(figure, sizeof figure, "%.3g %s", row.amount / took, row.unit.c_str());
    char ratio[32] = "";
    if (i > 0) std::snprintf(ratio, sizeof ratio, "%.2f", took / medians[0]);
    std::printf("%-58s  %-22s  %18s  %7s\n", i == 0 ? row.work.c_str() : "", row.contenders[i].name.c_str(),
                figure, ratio);
  }
  const bool met = row.goal.text.empty() || row.goal.met(medians);
  if (!row.goal.text.empty())
    std::printf("%-58s  goal: %s: %s\n", "", row.goal.text.c_str(), met ? "met" : "MISSED");
  std::fflush(stdout);
  return met;
}

}  // namespace bench
