// glob_wildcards: which values do the wildcards of a pattern take among the files that are there.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace furrow::workflow {

struct GlobMatches {
  std::vector<std::string> names;  // the pattern's wildcards
  // one list for each file that matches, in order of the files' names
  std::vector<std::vector<std::string>> values;
};

// Looks at all files and folders below the part of PATTERN that has no wildcards; what cannot be read is
// passed over. A link to a folder matches like one, and is gone into only if FOLLOW_LINKS; a circle of links
// ends where it closes.
Result<GlobMatches> glob_wildcards(const std::string& pattern, bool follow_links);

}  // namespace furrow::workflow
