// What jobs that run at once need together.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/resources.hpp"

namespace furrow::plan {

// The sum, each of them cut to the limits of BUDGET as for a job that runs alone. An error says of what the sum takes more
// than there is. NAMES: of the jobs, for people.
Result<Amounts> gang_amounts(std::span<const DemandId> demands, const Resources& resources,
                             const Budget& budget, const std::vector<std::string>& names);

}  // namespace furrow::plan
