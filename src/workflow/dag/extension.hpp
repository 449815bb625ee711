// What a graph got that has grown (docs/design/growing-graph.md).
#pragma once

#include <utility>
#include <vector>

#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

struct Extension {
  // Jobs that are needed from now on, each after those of the others that it needs.
  std::vector<NodeId> added{};
  // Jobs whose functions have answered, with the inputs that they had before.
  struct Answered {
    NodeId node;
    std::vector<FileId> before;
    bool has_waited = true;  // else it had answered before, and was asked once more
  };
  std::vector<Answered> answered{};
  // Jobs that cannot run: their function fails, or their inputs cannot be made. Their inputs are as before.
  std::vector<std::pair<NodeId, Error>> failed{};
  // Of a graph that is cut (GrowingCut): jobs that are wanted for themselves; new jobs that are not kept; jobs that were
  // kept before and are not any longer, with the inputs that they had.
  std::vector<NodeId> targets{}, left_out{};
  std::vector<Answered> withdrawn{};

  bool empty() const { return added.empty() && answered.empty() && failed.empty(); }
};

}  // namespace furrow::workflow
