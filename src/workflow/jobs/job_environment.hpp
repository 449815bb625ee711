// The variables that a job's environment has beside the engine's own: how many threads libraries may start,
// and where temporary files go.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "workflow/jobs/job_demands.hpp"

namespace furrow::workflow {

// Adds the variables for DEMAND to ENVIRONMENT, except names that it already has.
void add_job_environment(const JobDemands::Demand& demand,
                         std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace furrow::workflow
