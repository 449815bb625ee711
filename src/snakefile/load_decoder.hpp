// Decodes the workflow that the evaluator sends once it has run the Snakefile
// (docs/design/evaluator-protocol.md). Any malformed value is an Error that says what was expected where; no
// message can do more harm than that.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "text/json.hpp"
#include "workflow/rules/rule.hpp"

namespace furrow::snakefile {

// The answer to `load`.
struct LoadAnswer {
  workflow::Snakefile snakefile;
  std::string config = "{}";  // as JSON
  std::string python, python_version;
  std::vector<std::string> overwritten_configfiles;
  // Changes to the environment; a variable without a value was removed.
  std::vector<std::pair<std::string, std::optional<std::string>>> environment;
};

Result<LoadAnswer> decode_load(const text::JsonValue& answer);

}  // namespace furrow::snakefile
