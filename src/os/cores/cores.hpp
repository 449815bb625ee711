// How many processor cores this process may use, and what limits them.
//
// All figures are those of the calling thread at the moment of the call. Thread-safe; nothing is remembered.
#pragma once

#include <optional>
#include <string>

#include "os/cores/control_group.hpp"

namespace furrow::os {

struct Cores {
  int logical = 1;   // hardware threads, limited by affinity and by quota (rounded up)
  int physical = 1;  // cores among them, where the machine tells; never more than logical
};

// Without hwloc, from a few of the kernel's files: quick enough for every start. ROOT stands before /proc and
// /sys, for tests.
Cores usable_cores(const std::string& root = "");

enum class CoreLimit : std::uint8_t { kMachine, kCpuSet, kAffinity, kQuota };

struct CoreFigures {
  Cores machine;                  // all that are online
  std::optional<CpuSet> cpu_set;  // what the cpuset of the control group leaves of them
  Cores affinity;                 // what the scheduler may put us on; it lies within the cpuset
  std::optional<CpuQuota> quota;  // the tightest there is
  Cores usable;                   // after all of these
  CoreLimit binding_logical = CoreLimit::kMachine;  // what makes usable.logical as small as it is
  CoreLimit binding_physical = CoreLimit::kMachine;
};

// All of it, with the cores as hwloc finds them (with ROOT, as the files below it tell). About a millisecond.
CoreFigures measure_cores(const std::string& root = "");

}  // namespace furrow::os
