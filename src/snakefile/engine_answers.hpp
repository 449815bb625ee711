// Answers the questions that the evaluator asks the engine: matches of a pattern, the content of YAML files.
#pragma once

#include <string>

#include "snakefile/evaluator_options.hpp"
#include "text/json.hpp"

namespace furrow::snakefile {

// The whole message that answers FRAME, which was decoded from MESSAGE. An error goes to the evaluator, which
// raises it.
std::string answer_to(const Frame& frame, const text::JsonValue& message, const EvaluatorOptions& options);

}  // namespace furrow::snakefile
