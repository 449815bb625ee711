// What a run keeps of its workflow in its journal, for those who look at the run later.
#pragma once

#include <string>

#include "cli/run/workflow_session.hpp"

namespace furrow::cli {

// As JSON. SESSION is planned. Values that must not be shown are replaced.
std::string workflow_facts_of(WorkflowSession& session);

}  // namespace furrow::cli
