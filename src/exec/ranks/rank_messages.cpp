#include "exec/ranks/rank_messages.hpp"

#include "exec/batch/attempt_json.hpp"

namespace furrow::exec {

namespace {

constexpr const char* kFormat = "ranks 1";

constexpr auto kFigureFields =
    std::tuple(text::field("version", &RankFigures::version), text::field("host", &RankFigures::host),
               text::field("cores", &RankFigures::cores), text::field("threads", &RankFigures::threads),
               text::field("memory_mb", &RankFigures::memory_mb));

constexpr auto kStepFields = std::tuple(text::field("signal", &LocalOptions::Step::signal),
                                        text::field("wait_s", &LocalOptions::Step::wait_s));

struct StepsCodec {
  static void write(text::JsonWriter& json, const std::vector<LocalOptions::Step>& steps) {
    json.StartArray();
    for (const LocalOptions::Step& step : steps) {
      json.StartObject();
      text::write_fields(json, step, kStepFields);
      json.EndObject();
    }
    json.EndArray();
  }
  static void read(const text::JsonValue& json, std::vector<LocalOptions::Step>& steps) {
    if (!json.IsArray()) return;
    for (const text::JsonValue& step : json.GetArray())
      text::read_fields(step, steps.emplace_back(), kStepFields);
  }
};

constexpr auto kSetupFields = std::tuple(
    text::field("directory", &RankSetup::directory), text::field("environment", &RankSetup::environment),
    text::optional_field("run_id", &RankSetup::run_id), text::field("cores", &RankSetup::cores),
    text::field("memory_mb", &RankSetup::memory_mb),
    text::optional_field("one_stream", &RankSetup::one_stream),
    text::optional_field("as_it_comes", &RankSetup::as_it_comes),
    text::field_as<StepsCodec>("ending", &RankSetup::ending),
    text::optional_field_as<EvaluatorCodec>("evaluator", &RankSetup::evaluator));

constexpr auto kStartFields =
    std::tuple(text::field("cores", &RankStart::cores), text::field("memory_mb", &RankStart::memory_mb),
               text::optional_field("timeout_s", &RankStart::timeout_s),
               text::optional_field("has_input", &RankStart::has_input),
               text::inline_fields(&RankStart::launch, kLaunchFields));

template <class Struct, class Table>
std::string written(const Struct& from, const Table& table) {
  return text::json_object([&](text::JsonWriter& json) { text::write_fields(json, from, table); });
}

// Defaults where the text is no JSON object.
template <class Struct, class Table>
Struct read(std::string_view text, const Table& table) {
  Struct result;
  if (const auto document = text::JsonDocument::parse(std::string(text), "a record of a rank"))
    text::read_fields(document->root(), result, table);
  return result;
}

}  // namespace

std::string write_figures(const RankFigures& figures) {
  return text::json_object([&](text::JsonWriter& json) {
    text::write_field(json, "furrow", std::string(kFormat));
    text::write_fields(json, figures, kFigureFields);
  });
}

RankFigures read_figures_of_rank(std::string_view text) {
  const auto document = text::JsonDocument::parse(std::string(text), "the figures of a rank");
  RankFigures figures;
  if (document && text::read_field<std::string>(document->root(), "furrow") == kFormat)
    text::read_fields(document->root(), figures, kFigureFields);
  return figures;
}

std::string write_setup(const RankSetup& setup) { return written(setup, kSetupFields); }

RankSetup read_setup(std::string_view text) { return read<RankSetup>(text, kSetupFields); }

std::string write_start(const RankStart& start) { return written(start, kStartFields); }

RankStart read_start(std::string_view text) {
  auto start = read<RankStart>(text, kStartFields);
  start.launch.scratch.clear();  // rank 0's to delete
  return start;
}

std::string write_exit(const plan::Exit& exit) { return written(exit, kExitFields); }

plan::Exit read_exit(std::string_view text) { return read<plan::Exit>(text, kExitFields); }

}  // namespace furrow::exec
