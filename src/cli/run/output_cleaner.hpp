// `--delete-all-output` and `--delete-temp-output`.
#pragma once

#include "cli/run/workflow_session.hpp"

namespace furrow::cli {

// Removes the files that the jobs of the plan make, except write-protected ones; with -n only prints them.
int delete_outputs(WorkflowSession& session, bool only_temp);

}  // namespace furrow::cli
