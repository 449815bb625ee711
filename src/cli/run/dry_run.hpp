// `furrow run -n`: prints what would run, and why.
#pragma once

#include <string>
#include <vector>

#include "cli/run/workflow_session.hpp"

namespace furrow::cli {

int dry_run(WorkflowSession& session);

// How many jobs of each rule must run, one rule per line.
std::string job_table(WorkflowSession& session);

// One line about jobs whose inputs are known only once checkpoints have run; empty if there are none.
std::string more_to_come(WorkflowSession& session);

// Says so, and why although inputs are newer.
std::string nothing_to_do(WorkflowSession& session);
// The command of each of these jobs, filled in; empty for jobs that have none or cannot be described.
std::vector<std::string> commands_of(WorkflowSession& session, const std::vector<workflow::NodeId>& nodes);

// One line about jobs that must run but cannot be run yet; empty if there are none.
std::string refused_jobs(WorkflowSession& session);

}  // namespace furrow::cli
