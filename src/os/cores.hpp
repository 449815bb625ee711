// How many processor cores this process may use.
#pragma once

#include <string>

namespace furrow::os {

struct Cores {
  int logical =
      1;  // hardware threads, limited by affinity and by the quota of the control group (rounded up)
  int physical = 1;  // cores among them, where the machine tells; never more than logical
};

// ROOT stands before /proc and /sys, for tests.
Cores usable_cores(const std::string& root = "");

}  // namespace furrow::os
