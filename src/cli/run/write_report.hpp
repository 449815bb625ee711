// `furrow run --report`: a report of a workflow, from its Snakefile, its files and the store.
#pragma once

namespace furrow::cli {

class WorkflowSession;

// The exit code. SESSION is planned.
int write_report(WorkflowSession& session);

}  // namespace furrow::cli
