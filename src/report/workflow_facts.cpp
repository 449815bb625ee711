#include "report/workflow_facts.hpp"

#include <tuple>

#include "text/json_fields.hpp"

namespace furrow::text {

using report::RuleFacts;
using report::SourceFile;

constexpr auto kSourceFields =
    std::tuple(field("path", &SourceFile::path), field("mtime_ns", &SourceFile::mtime_ns),
               field("size", &SourceFile::size), field_as<HexCodec>("content", &SourceFile::content));

constexpr auto kRuleFields = std::tuple(
    field("name", &RuleFacts::name), field("file", &RuleFacts::file), field("line", &RuleFacts::line),
    field("kind", &RuleFacts::kind), optional_field("docstring", &RuleFacts::docstring),
    optional_field("script", &RuleFacts::script), optional_field("wildcards", &RuleFacts::wildcards),
    optional_field("conda_file", &RuleFacts::conda_file),
    optional_field("conda_name", &RuleFacts::conda_name), optional_field("image", &RuleFacts::image),
    optional_field("modules", &RuleFacts::modules));

template <class Struct, const auto& kTable>
struct StructCodec {
  static void write(JsonWriter& json, const Struct& value) {
    json.StartObject();
    write_fields(json, value, kTable);
    json.EndObject();
  }
  static void read(const JsonValue& json, Struct& value) {
    if (json.IsObject()) read_fields(json, value, kTable);
  }
};
template <>
struct JsonCodec<SourceFile> : StructCodec<SourceFile, kSourceFields> {};
template <>
struct JsonCodec<RuleFacts> : StructCodec<RuleFacts, kRuleFields> {};

}  // namespace furrow::text

namespace furrow::report {

namespace {

using text::field;

constexpr auto kFields = std::tuple(
    field("snakefile", &WorkflowFacts::snakefile), field("folder", &WorkflowFacts::folder),
    field("command", &WorkflowFacts::command), field("python", &WorkflowFacts::python),
    field("config", &WorkflowFacts::config), field("envvars", &WorkflowFacts::envvars),
    field("included", &WorkflowFacts::included), field("config_files", &WorkflowFacts::config_files),
    field("sources", &WorkflowFacts::sources), field("rules", &WorkflowFacts::rules));

}  // namespace

std::string to_json(const WorkflowFacts& facts) {
  return text::json_object([&](text::JsonWriter& json) { text::write_fields(json, facts, kFields); });
}

Result<WorkflowFacts> workflow_facts_from(std::string_view json) {
  const auto document =
      FURROW_TRY(text::JsonDocument::parse(std::string(json), "what a run says of its workflow"));
  WorkflowFacts facts;
  if (!document.root().IsObject()) return fail("what a run says of its workflow is no JSON object");
  text::read_fields(document.root(), facts, kFields);
  return facts;
}

}  // namespace furrow::report
