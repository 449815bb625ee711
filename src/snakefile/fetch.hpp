// Files from the web and from git repositories, which are needed before the evaluator runs: the user's Python fetches
// them into the cache that the evaluator has.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace furrow::snakefile {

// Whether NAME is an address, as https://host/profile, and no path.
bool is_address(const std::string& name);

// The path here of the first file with one of these NAMES below ADDRESS, or of ADDRESS itself if it is a file. PYTHON
// is as for find_python(). Blocks.
Result<std::string> fetch_first(const std::string& python, const std::string& address,
                                const std::vector<std::string>& names);

}  // namespace furrow::snakefile
