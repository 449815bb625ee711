// Jobs that are planned but cannot be run yet: their rule or their files need a part of the language that
// Furrow does not have.
#pragma once

#include <functional>
#include <string>

#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

// Why the job cannot be run; empty if it can.
std::string refusal_of(const Dag& dag, const RuleSet& rules, NodeId node);

// One line about all of the jobs that CHOSEN picks and that cannot be run; empty if there are none.
std::string show_refusals(const Dag& dag, const RuleSet& rules, const std::function<bool(NodeId)>& chosen);

}  // namespace furrow::workflow
