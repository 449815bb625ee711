#include "snakefile/engine_answers.hpp"

#include <string_view>

#include "snakefile/yaml_json.hpp"

namespace furrow::snakefile {

namespace {

std::string answer_glob(std::uint64_t id, const text::JsonValue& message, const EvaluatorOptions& options) {
  const auto question = decode_glob(message);
  if (!question) return encode_answer(id, question.error());
  if (!options.glob) return encode_answer(id, Error{"glob_wildcards is not available here"});
  const auto found = options.glob(*question);
  return found ? encode_answer(id, *found) : encode_answer(id, found.error());
}

std::string answer_yaml(std::uint64_t id, const text::JsonValue& message) {
  const auto path = decode_yaml(message);
  if (!path) return encode_answer(id, path.error());
  const auto json = yaml_file_to_json(*path, Keys::kPairs);
  return json ? encode_answer(id, std::string_view(*json)) : encode_answer(id, json.error());
}

}  // namespace

std::string answer_to(const Frame& frame, const text::JsonValue& message, const EvaluatorOptions& options) {
  if (frame.what == "glob") return answer_glob(frame.id, message, options);
  if (frame.what == "yaml") return answer_yaml(frame.id, message);
  const Error unknown{"the engine does not know the question \"" + std::string(frame.what) + "\""};
  return encode_answer(frame.id, unknown);
}

}  // namespace furrow::snakefile
