// Cuts a workflow down: to the jobs up to some rules or files, or to those that do not depend on them.
#pragma once

#include <string>
#include <vector>

#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

// NAMES are rules or files. A kept job that no other kept job depends on becomes a target.
Result<void> keep_until(Dag& dag, const RuleSet& rules, const std::vector<std::string>& names);
// A rule that OPTION names may turn up behind a checkpoint, when it is too late to cut the graph there: an error, if no
// job of it is known and functions still wait.
Result<void> check_known(const Dag& dag, const RuleSet& rules, const std::vector<std::string>& names,
                         const char* option);
Result<void> omit_from(Dag& dag, const RuleSet& rules, const std::vector<std::string>& names);

}  // namespace furrow::workflow
