// `furrow run -n`: what would run, and why.
#pragma once

#include <string>

#include "cli/run/workflow_session.hpp"

namespace furrow::cli {

int dry_run(WorkflowSession& session);

// How many jobs of each rule must run, as lines.
std::string job_table(WorkflowSession& session);

}  // namespace furrow::cli
