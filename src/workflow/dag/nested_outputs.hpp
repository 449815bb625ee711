// Outputs within a folder that another job makes as a whole, which would go whenever that folder is made again.
#pragma once

#include <span>

#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

Result<void> check_nested_outputs(const Dag& dag, const RuleSet& rules);
// The same for jobs that the graph got as it grew.
Result<void> check_nested_outputs(const Dag& dag, const RuleSet& rules, std::span<const NodeId> added);

}  // namespace furrow::workflow
