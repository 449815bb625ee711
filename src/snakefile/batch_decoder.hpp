// What the functions of many jobs gave, as the evaluator tells it (docs/design/evaluator-protocol.md).
// Whatever does not fit is an Error that says what was expected where; nothing a message holds can do worse.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "snakefile/json.hpp"
#include "workflow/rules/evaluator.hpp"

namespace furrow::snakefile {

// Answers for a batch: always as many as were asked for; where the answer as a whole is wrong, each of them
// is that error.
std::vector<workflow::InputAnswer> decode_inputs(const JsonValue& answer, std::size_t count);
std::vector<Result<workflow::DetailAnswer>> decode_details(
    const JsonValue& answer, std::span<const workflow::DetailQuestion> questions);
std::vector<Result<workflow::Preparation>> decode_preparations(const JsonValue& answer,
                                                               std::span<const workflow::JobView> jobs);
std::vector<Result<workflow::SubmissionWords>> decode_submissions(const JsonValue& answer, std::size_t count);

}  // namespace furrow::snakefile
