// --archive: a tar archive of what another machine needs to run a workflow.
#pragma once

#include "cli/run/workflow_session.hpp"

namespace furrow::cli {

// It holds what git has under version control, and the inputs that no job makes. Prints what it says.
int write_archive_of(WorkflowSession& session);

}  // namespace furrow::cli
