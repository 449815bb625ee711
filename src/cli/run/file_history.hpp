// --why FILE: how a file came to be, back to the files that no rule makes, as the store remembers it.
#pragma once

#include <string>

#include "cli/run/workflow_session.hpp"

namespace furrow::cli {

// FILE is an output in the plan of SESSION.
Result<std::string> history_of(WorkflowSession& session, const std::string& file);

}  // namespace furrow::cli
