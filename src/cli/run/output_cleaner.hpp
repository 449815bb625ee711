// `--delete-all-output` and `--delete-temp-output`.
#pragma once

#include "cli/run/workflow_session.hpp"

namespace furrow::cli {

// Removes what the jobs of the plan make, but for what is write-protected; with -n only says so.
int delete_outputs(WorkflowSession& session, bool only_temp);

}  // namespace furrow::cli
