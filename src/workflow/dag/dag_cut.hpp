// Cuts a workflow down: to the jobs up to some rules or files, or to those that do not depend on them.
#pragma once

#include <string>
#include <vector>

#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

// NAMES are rules or files. A kept job that no other kept job depends on becomes a target. As long as no job of a name is
// known, the checkpoints are kept for which functions wait: it may turn up behind them (GrowingCut).
Result<void> keep_until(Dag& dag, const RuleSet& rules, const std::vector<std::string>& names);
Result<void> omit_from(Dag& dag, const RuleSet& rules, const std::vector<std::string>& names);

}  // namespace furrow::workflow
