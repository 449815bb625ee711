// Finds and ends the processes that a killed run has left.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "os/process/job_table.hpp"

namespace furrow::os {

struct Survivor {
  int pid = 0;
  std::string name;
};

// Of the run that is looked for.
struct DeadRun {
  std::string id;
  const JobTable* table = nullptr;  // null: it is lost, so every process with the run's cookie counts
  int session = 0;                  // of its engine
  std::uint64_t started = 0;        // when its engine was started, in the kernel's ticks since boot
};

struct Survivors {
  // They carry the cookie of an attempt that had not ended; or they are orphans in a group of the table and have cleared
  // their environment; or they are in one group with such a process. What a job that succeeded left running is not
  // among them.
  std::vector<Survivor> certain;
  // In a group of the table, but without a readable cookie: its number may have been given to another group since.
  std::vector<Survivor> possible;
};

// Reads /proc once. Leaves out this process and those above it.
Survivors find_survivors(const DeadRun& run);
void kill_all(const std::vector<Survivor>& survivors);

// "4711 (sort), 4712 (gzip)"; the rest as "and 3 more".
std::string names_of(const std::vector<Survivor>& survivors);

}  // namespace furrow::os
