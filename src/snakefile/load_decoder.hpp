// The whole workflow, as the evaluator tells it once it has run the Snakefile
// (docs/design/evaluator-protocol.md). Whatever does not fit is an Error that says what was expected where;
// nothing a message holds can do worse.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "snakefile/json.hpp"
#include "workflow/rules/rule.hpp"

namespace furrow::snakefile {

// The answer to `load`.
struct LoadAnswer {
  workflow::Snakefile snakefile;
  std::string config = "{}";  // as JSON
  std::string python, python_version;
  std::vector<std::string> overwritten_configfiles;
  std::vector<std::pair<std::string, std::optional<std::string>>> environment;  // changes; nothing: removed
};

Result<LoadAnswer> decode_load(const JsonValue& answer);

}  // namespace furrow::snakefile
