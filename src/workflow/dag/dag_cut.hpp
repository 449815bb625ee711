// Parts of a workflow: up to some rules or files, or without some and all that depends on them.
#pragma once

#include <string>
#include <vector>

#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

// NAMES are rules or files. The jobs kept become the targets where nothing kept depends on them.
Result<void> keep_until(Dag& dag, const RuleSet& rules, const std::vector<std::string>& names);
Result<void> omit_from(Dag& dag, const RuleSet& rules, const std::vector<std::string>& names);

}  // namespace furrow::workflow
