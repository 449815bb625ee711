// The settings of a LocalExecutor.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace furrow::exec {

struct LocalOptions {
  std::size_t max_running = 65536;  // lowered to what descriptors and watchdog slots allow
  double grace_s = 0.4;             // between SIGTERM and SIGKILL
  struct Step {
    int signal;
    double wait_s;  // until the next step
    bool operator==(const Step&) const = default;
  };
  std::vector<Step> ending{};  // the signals that end a job, before a last SIGKILL; empty: SIGTERM
  std::string run{};           // the id in the cookie of jobs; empty: they have none
  bool has_table =
      true;  // the next run can read the watchdog's table, so the cookie has the number of the attempt
  std::string scratch{};  // existing folder on a disk for long output and long commands; empty: /tmp
};

}  // namespace furrow::exec
