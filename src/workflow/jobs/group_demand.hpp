// What jobs that go to a cluster together ask for, all in all.
//
// Jobs of one depth may run at a time: what they ask for is added up. Where that is more than there may be of
// something, they are thought of as running in several layers, one after the other. Of layers and depths,
// which follow each other, the one that asks for most counts. `runtime` is the other way round: the longest
// of those that run at a time, added up over those that follow each other. Pure decisions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "workflow/jobs/job_demands.hpp"

namespace furrow::workflow {

struct GroupMember {
  JobDemands::SharedDemand demand;  // a resource that is not known yet is not in it
  std::uint32_t depth = 0;          // longest way to it within the group
  std::string rule{};               // for messages
};

inline constexpr const char* kCoresLimit = "_cores";

// LIMITS: the most there may be of a resource at a time, by name. Of a text all jobs must give the same. The
// demand has no id.
Result<JobDemands::Demand> demand_of_group(const std::vector<GroupMember>& members,
                                           const std::map<std::string, std::int64_t>& limits);

}  // namespace furrow::workflow
