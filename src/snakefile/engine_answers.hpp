// What the evaluator asks of the engine while it works: matches of a pattern, files of YAML.
#pragma once

#include <string>

#include "snakefile/evaluator_options.hpp"
#include "snakefile/json.hpp"

namespace furrow::snakefile {

// The whole message that answers FRAME, which says MESSAGE; an error goes to the evaluator, which raises it.
std::string answer_to(const Frame& frame, const JsonValue& message, const EvaluatorOptions& options);

}  // namespace furrow::snakefile
