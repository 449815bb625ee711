// Decodes the evaluator's answers about many jobs (docs/design/evaluator-protocol.md). Any malformed value is
// an Error that says what was expected where; no message can do more harm than that.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "text/json.hpp"
#include "workflow/rules/evaluator.hpp"

namespace furrow::snakefile {

// One answer for each job of the batch. If the answer as a whole is malformed, each of them is that error.
std::vector<workflow::InputAnswer> decode_inputs(const text::JsonValue& answer, std::size_t count);
std::vector<Result<workflow::DetailAnswer>> decode_details(
    const text::JsonValue& answer, std::span<const workflow::DetailQuestion> questions);
std::vector<Result<workflow::Preparation>> decode_preparations(const text::JsonValue& answer,
                                                               std::span<const workflow::JobView> jobs);
std::vector<Result<workflow::SubmissionWords>> decode_submissions(const text::JsonValue& answer,
                                                                  std::size_t count);

}  // namespace furrow::snakefile
