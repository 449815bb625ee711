// The processes above this one: the parent, its parent, and so on, as /proc shows them.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace furrow::os {

struct Ancestor {
  int pid = 0;
  // The first arguments, the program's name among them; empty if they cannot be read.
  std::vector<std::string> arguments{};
  // The file that it executes; empty if that cannot be read, as for another user's process.
  std::string executable{};
};

// Calls USE for the parent, then for its parent, up to process 1, until USE returns true. Does nothing where
// there is no /proc. ROOT is put before /proc, for tests. Thread-safe.
void for_each_ancestor(const std::function<bool(const Ancestor&)>& use, int parent,
                       const std::string& root = "");
void for_each_ancestor(const std::function<bool(const Ancestor&)>& use);

}  // namespace furrow::os
