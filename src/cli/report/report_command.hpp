// `furrow report`: what the store of a folder knows of a run, as a page, as JSON or as CSV.
#pragma once

#include <string>
#include <vector>

namespace furrow::cli {

// Returns the exit code: 1 if there is no store or it is damaged, 2 for a mistake in the arguments.
int report_command(const std::vector<std::string>& arguments);

}  // namespace furrow::cli
