// The nodes to which no further batch is sent: a node on which batches end before they begin (it does not see the
// folder, say) is free at once again, and would take one batch after the other.
#pragma once

#include <string>
#include <vector>

#include "exec/cluster/submitted_batch.hpp"

namespace furrow::exec {

class LeftOutNodes {
 public:
  // BATCH is gone. Returns the name of its node if that is left out from now on; else an empty text.
  std::string note(const SubmittedBatch& batch);
  const std::vector<std::string>& names() const { return names_; }
  // A submission without these nodes, if there are any, was refused: from now on, no node is left out.
  void give_up();

 private:
  std::vector<std::string> names_;
  bool has_given_up_ = false;
};

}  // namespace furrow::exec
