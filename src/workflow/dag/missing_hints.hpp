// What may be wrong with the name of a file that no rule makes.
#pragma once

#include <string>
#include <utility>

#include "workflow/rules/rule_index.hpp"

namespace furrow::workflow {

// A folder above NAME that a rule makes as a whole (directory()), and that rule; empty if there is none.
std::pair<std::string, std::string> folder_above(const std::string& name, const RuleIndex& index,
                                                 const RuleSet& rules);

// Two names that NAME consists of and that both exist or can be made, as if a comma between them were missing;
// empty if there are none.
std::pair<std::string, std::string> joined_names(const std::string& name, const RuleIndex& index);

}  // namespace furrow::workflow
