// glob_wildcards: the values that a pattern's wildcards take among the existing files.
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

// Searches all files and folders below the part of PATTERN that has no wildcards, and skips those that cannot
// be read. A link to a folder matches as a folder does; the search enters it only if FOLLOW_LINKS, and stops
// where a cycle of links closes.
Result<GlobMatches> glob_wildcards(const std::string& pattern, bool follow_links);

}  // namespace furrow::workflow
