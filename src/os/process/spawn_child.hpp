// What a child does between clone and exec, in its parent's memory and on its own stack.
#pragma once

#include <atomic>
#include <vector>

#include "os/process/process.hpp"

namespace furrow::os {

// What the child needs, and where it reports a failure. The parent may go on meanwhile, but must not touch
// any of this until the child has executed the program or ended.
struct SpawnArgs {
  const SpawnRequest& request;
  const std::vector<int>& changed_signals;
  int null_fd;
  int parent;
  std::atomic<int> code = 0;  // errno; 0: no failure so far
  SpawnFailure::Step step = SpawnFailure::Step::kExec;
};

// For clone(); ARGS is a SpawnArgs. Makes system calls only, and raw ones.
int spawn_child(void* args);

}  // namespace furrow::os
