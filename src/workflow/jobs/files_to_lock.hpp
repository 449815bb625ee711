// What jobs write and read, for the locks that engines in one folder hold against each other.
#pragma once

#include <span>

#include "store/file_locks.hpp"
#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

// The outputs of the jobs WRITING, and what the jobs READING need and none of WRITING makes. DAG is borrowed as long as
// the result is used.
store::FilesToLock files_to_lock(const Dag& dag, const RuleSet& rules, std::span<const NodeId> writing,
                                 std::span<const NodeId> reading);

}  // namespace furrow::workflow
