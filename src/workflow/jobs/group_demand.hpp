// What the jobs that go to a cluster together ask for in total.
//
// Jobs of the same depth may run at the same time, so their demands are added up. If the sum exceeds a limit,
// the jobs are assumed to run in several layers, one after the other. Layers and depths follow each other, so
// the largest of them counts. `runtime` works the other way round: the longest of the jobs that run at the
// same time counts, and these are added up over layers and depths. Pure decisions, no I/O.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "workflow/jobs/job_demands.hpp"

namespace furrow::workflow {

struct GroupMember {
  JobDemands::SharedDemand demand;  // without resources that are not known yet
  std::uint32_t depth = 0;          // length of the longest path to it within the group
  std::string rule{};               // for messages
  // Jobs with the same number run at once. 0: the job need not.
  std::uint32_t gang = 0;
};

inline constexpr const char* kCoresLimit = "_cores";

// LIMITS: the most of each resource that may be used at a time, by name. A resource whose value is a text
// must be the same for all jobs. The resulting demand has no id.
Result<JobDemands::Demand> demand_of_group(const std::vector<GroupMember>& members,
                                           const std::map<std::string, std::int64_t>& limits);

}  // namespace furrow::workflow
