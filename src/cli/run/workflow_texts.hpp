// What `furrow run` prints about a planned workflow instead of running it.
#pragma once

#include <string>

#include "cli/run/workflow_session.hpp"

namespace furrow::cli {

// For --debug-dag: which jobs were considered for each file, and which was chosen.
std::string candidate_jobs(WorkflowSession& session);
// For --d3dag: the graph of the jobs that must run, as JSON.
std::string graph_as_json(WorkflowSession& session);
// For --list-untracked: the files below the working directory that the workflow neither uses nor makes.
Result<std::string> untracked_files(WorkflowSession& session);
// For --cleanup-metadata: forgets how files were made. Returns the exit code.
int forget_records(WorkflowSession& session);

}  // namespace furrow::cli
