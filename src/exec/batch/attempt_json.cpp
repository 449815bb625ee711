#include "exec/batch/attempt_json.hpp"

#include <string_view>
#include <utility>

namespace furrow::exec {

namespace {

using Kind = plan::Launch::Kind;

constexpr std::pair<Kind, std::string_view> kKinds[] = {
    {Kind::kNothing, "nothing"}, {Kind::kProgram, "program"}, {Kind::kShell, "shell"}, {Kind::kFork, "fork"}};

}  // namespace

void LaunchKindCodec::write(text::JsonWriter& json, Kind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) text::write(json, name);
  }
}

void LaunchKindCodec::read(const text::JsonValue& json, Kind& kind) {
  if (!json.IsString()) return;
  for (const auto& [known, name] : kKinds) {
    if (name == text::view(json)) kind = known;
  }
}

void EvaluatorCodec::write(text::JsonWriter& json, const BatchEvaluator& evaluator) {
  json.StartObject();
  text::write_fields(json, evaluator, kEvaluatorFields);
  json.EndObject();
}

void EvaluatorCodec::read(const text::JsonValue& json, BatchEvaluator& evaluator) {
  text::read_fields(json, evaluator, kEvaluatorFields);
}

}  // namespace furrow::exec
