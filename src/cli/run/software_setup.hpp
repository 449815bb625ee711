// The conda environments of a workflow: made before its first job, listed, or removed.
#pragma once

#include <string>
#include <vector>

#include "cli/run/workflow_session.hpp"

namespace furrow::cli {

// Where the answers of functions fail, the job that needs them reports it.
enum class Which { kAllJobs, kDueJobs };

struct SetupOutcome {
  std::vector<Error> errors{};  // one for each environment that cannot be set up
  int signal = 0;               // that has ended it
};
// Sets up what the jobs that must run need, several at a time.
SetupOutcome set_up_software(WorkflowSession& session, Which which);

// Those of all jobs, each once.
std::vector<deploy::Environment> conda_environments(WorkflowSession& session);
// Sentences about rules whose function, or whose file on the web, did not say which environment they need when they were
// asked for it.
std::vector<std::string> rules_without_answer(WorkflowSession& session, Which which);

// For a dry run: what would be made, a line each; empty if nothing would. An error is about a file of one of them.
Result<std::string> software_to_be_made(WorkflowSession& session);

int make_environments_only(WorkflowSession& session);
int list_environments(WorkflowSession& session);
// Removes those that no job of the workflow uses.
int remove_unused_environments(WorkflowSession& session);
// --container-cleanup-images: removes the images in the folder of images that no job of the workflow uses.
int remove_unused_images(WorkflowSession& session);

}  // namespace furrow::cli
