// --containerize: a Dockerfile of an image that holds the conda environments of a workflow, for `containerized:`.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/run/workflow_session.hpp"
#include "deploy/environment.hpp"

namespace furrow::cli {

// Of these environments. Files below FOLDER are copied from there, where the image is built; what lies elsewhere is
// written into the recipe.
Result<std::string> container_recipe(const std::vector<deploy::Environment>& environments,
                                     const std::string& folder);
// Of those of the workflow's jobs. Prints it.
int print_container_recipe(WorkflowSession& session);

}  // namespace furrow::cli
