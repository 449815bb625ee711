// What a job finds in its environment beside what the engine has: how many threads libraries may start, and
// where temporary files go.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "workflow/jobs/job_demands.hpp"

namespace furrow::workflow {

// Adds to ENVIRONMENT what DEMAND says, but for names that are there already.
void add_job_environment(const JobDemands::Demand& demand,
                         std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace furrow::workflow
