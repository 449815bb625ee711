// `furrow export`: what the store of a folder knows of its runs, for other programs.
#pragma once

#include <string>
#include <vector>

namespace furrow::cli {

// Returns the exit code: 1 if nothing can be exported or the store is damaged, 2 for a mistake in the arguments, 128 and the
// signal if one came.
int export_command(const std::vector<std::string>& arguments);

}  // namespace furrow::cli
