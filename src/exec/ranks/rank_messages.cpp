#include "exec/ranks/rank_messages.hpp"

#include "exec/batch/attempt_json.hpp"
#include "exec/batch/sealed_line.hpp"

namespace furrow::exec {

namespace {

void put_flag(SealedWriter& json, const char* name, bool flag) {
  if (!flag) return;
  json.Key(name);
  json.Bool(true);
}

// Calls USE with the object; not at all where the text is none.
template <class T>
T read(std::string_view text, T (*use)(const rapidjson::Value& object)) {
  rapidjson::Document object;
  return read_object(text, object) ? use(object) : T{};
}

}  // namespace

std::string write_figures(const RankFigures& figures) {
  return json_object([&](SealedWriter& json) {
    put(json, "furrow", std::string_view("ranks 1"));
    put(json, "version", figures.version);
    put(json, "host", figures.host);
    put(json, "cores", figures.cores);
    put(json, "threads", figures.threads);
    put(json, "memory_mb", figures.memory_mb);
  });
}

RankFigures read_figures_of_rank(std::string_view text) {
  return read<RankFigures>(text, [](const rapidjson::Value& object) {
    if (text_of(object, "furrow") != "ranks 1") return RankFigures{};
    return RankFigures{text_of(object, "version"), text_of(object, "host"), number_of(object, "cores", 1),
                       number_of(object, "threads", 1), number_of(object, "memory_mb")};
  });
}

std::string write_setup(const RankSetup& setup) {
  return json_object([&](SealedWriter& json) {
    put(json, "directory", setup.directory);
    json.Key("environment");
    json.StartArray();
    for (const std::string& entry : setup.environment)
      json.String(entry.data(), static_cast<rapidjson::SizeType>(entry.size()));
    json.EndArray();
    put(json, "cores", setup.cores);
    put(json, "memory_mb", setup.memory_mb);
    put_flag(json, "one_stream", setup.one_stream);
    put_flag(json, "as_it_comes", setup.as_it_comes);
    json.Key("ending");
    json.StartArray();
    for (const LocalOptions::Step& step : setup.ending) {
      json.StartObject();
      put(json, "signal", std::int64_t{step.signal});
      put(json, "wait_s", step.wait_s);
      json.EndObject();
    }
    json.EndArray();
    if (!setup.evaluator.load.empty()) put_evaluator(json, setup.evaluator);
  });
}

RankSetup read_setup(std::string_view text) {
  return read<RankSetup>(text, [](const rapidjson::Value& object) {
    RankSetup setup;
    setup.directory = text_of(object, "directory");
    setup.cores = number_of(object, "cores", 1);
    setup.memory_mb = number_of(object, "memory_mb");
    setup.one_stream = flag_of(object, "one_stream");
    setup.as_it_comes = flag_of(object, "as_it_comes");
    setup.evaluator = evaluator_of(object);
    if (const auto* const all = member_of(object, "environment"); all && all->IsArray()) {
      for (const rapidjson::Value& entry : all->GetArray()) {
        if (entry.IsString()) setup.environment.emplace_back(entry.GetString(), entry.GetStringLength());
      }
    }
    if (const auto* const steps = member_of(object, "ending"); steps && steps->IsArray()) {
      for (const rapidjson::Value& step : steps->GetArray())
        setup.ending.push_back({static_cast<int>(number_of(step, "signal")), real_of(step, "wait_s")});
    }
    return setup;
  });
}

std::string write_start(const RankStart& start) {
  return json_object([&](SealedWriter& json) {
    put(json, "cores", start.cores);
    put(json, "memory_mb", start.memory_mb);
    if (start.timeout_s > 0) put(json, "timeout_s", start.timeout_s);
    put_flag(json, "has_input", start.has_input);
    put_launch(json, start.launch);
  });
}

RankStart read_start(std::string_view text) {
  return read<RankStart>(text, [](const rapidjson::Value& object) {
    RankStart start;
    start.cores = number_of(object, "cores", 1);
    start.memory_mb = number_of(object, "memory_mb");
    start.timeout_s = real_of(object, "timeout_s");
    start.has_input = flag_of(object, "has_input");
    start.launch = launch_of(object);
    start.launch.scratch.clear();  // rank 0's to delete
    return start;
  });
}

std::string write_exit(const plan::Exit& exit) {
  return json_object([&](SealedWriter& json) { put_exit(json, exit); });
}

plan::Exit read_exit(std::string_view text) {
  return read<plan::Exit>(text, [](const rapidjson::Value& object) { return exit_of(object); });
}

}  // namespace furrow::exec
