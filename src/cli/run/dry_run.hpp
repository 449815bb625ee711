// `furrow run -n`: prints what would run, and why.
#pragma once

#include <string>

#include "cli/run/workflow_session.hpp"

namespace furrow::cli {

int dry_run(WorkflowSession& session);

// How many jobs of each rule must run, one rule per line.
std::string job_table(WorkflowSession& session);

// Says so, and why although inputs are newer.
std::string nothing_to_do(WorkflowSession& session);

}  // namespace furrow::cli
