// How many processor cores this process may use, and what limits them.
//
// All figures are for the calling thread at the moment of the call. Thread-safe; nothing is cached.
#pragma once

#include <optional>
#include <string>

#include "os/cores/control_group.hpp"

namespace furrow::os {

struct Cores {
  // Hardware threads, limited by affinity and by quota (rounded up).
  int logical = 1;
  // The cores among them, if the machine reports them; never more than logical.
  int physical = 1;
};

// Reads a few of the kernel's files instead of asking hwloc: fast enough for every start. ROOT is put before
// /proc and /sys, for tests.
Cores usable_cores(const std::string& root = "");

enum class CoreLimit : std::uint8_t { kMachine, kCpuSet, kAffinity, kQuota };

struct CoreFigures {
  // All that are online.
  Cores machine;
  // What the cpuset of the control group leaves of them.
  std::optional<CpuSet> cpu_set;
  // The threads on which the scheduler may put us, a subset of the cpuset.
  Cores affinity;
  // The tightest quota.
  std::optional<CpuQuota> quota;
  // What is left after all of these limits.
  Cores usable;
  // The limit that makes usable.logical as small as it is.
  CoreLimit binding_logical = CoreLimit::kMachine;
  // The same for usable.physical.
  CoreLimit binding_physical = CoreLimit::kMachine;
};

// All figures, with the cores as hwloc finds them (with ROOT: as the files below it say). Takes about a
// millisecond.
CoreFigures measure_cores(const std::string& root = "");

}  // namespace furrow::os
