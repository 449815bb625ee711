// What a child does between clone and exec, in its parent's memory and on a stack of its own.
#pragma once

#include <atomic>
#include <vector>

#include "os/process/process.hpp"

namespace furrow::os {

// What the child needs, and where it leaves what went wrong. The parent may go on meanwhile, and must leave
// all of it alone until the child has the program's memory, or has ended.
struct SpawnOrder {
  const SpawnRequest& request;
  const std::vector<int>& changed_signals;
  int null_fd;
  int parent;
  std::atomic<int> code = 0;  // errno; 0: all is well so far
  SpawnFailure::Step step = SpawnFailure::Step::kExec;
};

// For clone(); ORDER is a SpawnOrder. Makes system calls only, and raw ones.
int spawn_child(void* order);

}  // namespace furrow::os
