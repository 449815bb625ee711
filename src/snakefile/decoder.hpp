// What the evaluator says -> the workflow's data (docs/design/evaluator-protocol.md). Whatever does not fit
// is an Error that says what was expected where; nothing a message holds can do worse.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "snakefile/json.hpp"
#include "workflow/rules/evaluator.hpp"
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

// Answers for a batch: always as many as were asked for; where the answer as a whole is wrong, each of them
// is that error.
std::vector<workflow::InputAnswer> decode_inputs(const JsonValue& answer, std::size_t count);
std::vector<Result<workflow::DetailAnswer>> decode_details(
    const JsonValue& answer, std::span<const workflow::DetailQuestion> questions);
std::vector<Result<workflow::Preparation>> decode_preparations(const JsonValue& answer,
                                                               std::span<const workflow::JobView> jobs);
std::vector<Result<workflow::SubmissionWords>> decode_submissions(const JsonValue& answer, std::size_t count);

// ERROR of the protocol. Anything that is none becomes an error that says so.
Error decode_error(const JsonValue& error);

// One frame of the evaluator.
struct Frame {
  enum class Kind : std::uint8_t { kAnswer, kAsk, kExit };
  Kind kind = Kind::kAnswer;
  std::uint64_t id = 0;              // of the request, the question, or the forked child's tag
  const JsonValue* ok = nullptr;     // kAnswer
  const JsonValue* error = nullptr;  // kAnswer, kExit; null where there is none
  std::string_view what{};           // kAsk
  int status = 0;                    // kExit: as wait() gives it
};
Result<Frame> decode_frame(const JsonValue& message);

struct GlobQuestion {
  std::string pattern;
  bool follow_links = false;
};
Result<GlobQuestion> decode_glob(const JsonValue& question);
Result<std::string> decode_yaml(const JsonValue& question);  // the path

}  // namespace furrow::snakefile
