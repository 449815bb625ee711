#include "exec/batch/attempt_json.hpp"

#include <string>
#include <utility>

namespace furrow::exec {

namespace {

using Kind = plan::Launch::Kind;
using Value = rapidjson::Value;

constexpr std::pair<Kind, const char*> kKinds[] = {
    {Kind::kNothing, "nothing"}, {Kind::kProgram, "program"}, {Kind::kShell, "shell"}, {Kind::kFork, "fork"}};

const char* name_of(Kind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) return name;
  }
  return "nothing";
}

Kind kind_of(const std::string& name) {
  for (const auto& [kind, known] : kKinds) {
    if (name == known) return kind;
  }
  return Kind::kNothing;
}

std::string string_of(const Value& value) {
  return value.IsString() ? std::string(value.GetString(), value.GetStringLength()) : std::string();
}

void put_usage(SealedWriter& json, const plan::Usage& usage) {
  put(json, "wall_s", usage.wall_s);
  put(json, "user_s", usage.user_s);
  put(json, "system_s", usage.system_s);
  put(json, "max_rss_kb", usage.max_rss_kb);
  put(json, "read_blocks", usage.read_blocks);
  put(json, "write_blocks", usage.write_blocks);
}

}  // namespace

void put_launch(SealedWriter& json, const plan::Launch& launch) {
  put(json, "kind", std::string_view(name_of(launch.kind)));
  if (!launch.argv.empty()) {
    json.Key("argv");
    json.StartArray();
    for (const std::string& word : launch.argv)
      json.String(word.data(), static_cast<rapidjson::SizeType>(word.size()));
    json.EndArray();
  }
  for (const auto& [name, text] : {std::pair{"command", &launch.command},
                                   {"prefix", &launch.prefix},
                                   {"executable", &launch.executable},
                                   {"directory", &launch.directory},
                                   {"payload", &launch.payload},
                                   {"scratch", &launch.scratch}}) {
    if (!text->empty()) put(json, name, *text);
  }
  if (launch.watch_memory) json.Key("watch_memory"), json.Bool(true);
  if (launch.nice) put(json, "nice", std::int64_t{*launch.nice});
  if (launch.environment.empty()) return;
  json.Key("environment");
  json.StartArray();
  for (const auto& [name, value] : launch.environment) {
    json.StartArray();
    json.String(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    json.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    json.EndArray();
  }
  json.EndArray();
}

plan::Launch launch_of(const Value& line) {
  plan::Launch launch;
  launch.kind = kind_of(text_of(line, "kind"));
  launch.command = text_of(line, "command");
  launch.prefix = text_of(line, "prefix");
  launch.executable = text_of(line, "executable");
  launch.directory = text_of(line, "directory");
  launch.payload = text_of(line, "payload");
  launch.scratch = text_of(line, "scratch");
  launch.watch_memory = flag_of(line, "watch_memory");
  if (const Value* const nice = member_of(line, "nice"); nice && nice->IsInt()) launch.nice = nice->GetInt();
  if (const Value* const argv = member_of(line, "argv"); argv && argv->IsArray()) {
    for (const Value& word : argv->GetArray()) launch.argv.push_back(string_of(word));
  }
  if (const Value* const all = member_of(line, "environment"); all && all->IsArray()) {
    for (const Value& pair : all->GetArray()) {
      if (pair.IsArray() && pair.Size() == 2)
        launch.environment.emplace_back(string_of(pair[0]), string_of(pair[1]));
    }
  }
  return launch;
}

void put_exit(SealedWriter& json, const plan::Exit& exit) {
  put(json, "status", std::int64_t{exit.status});
  put(json, "signal", std::int64_t{exit.signal});
  put(json, "at", exit.started_at);
  put_usage(json, exit.usage);
  if (exit.cancelled) json.Key("cancelled"), json.Bool(true);
  if (exit.timed_out) json.Key("timed_out"), json.Bool(true);
  if (!exit.error.empty()) put(json, "error", exit.error);
}

plan::Exit exit_of(const rapidjson::Value& line) {
  plan::Exit exit;
  exit.status = static_cast<int>(number_of(line, "status"));
  exit.signal = static_cast<int>(number_of(line, "signal"));
  exit.cancelled = flag_of(line, "cancelled");
  exit.timed_out = flag_of(line, "timed_out");
  exit.error = text_of(line, "error");
  exit.started_at = real_of(line, "at");
  exit.usage = {real_of(line, "wall_s"),        real_of(line, "user_s"),
                real_of(line, "system_s"),      number_of(line, "max_rss_kb"),
                number_of(line, "read_blocks"), number_of(line, "write_blocks")};
  return exit;
}

void put_evaluator(SealedWriter& json, const BatchEvaluator& evaluator) {
  json.Key("evaluator");
  json.StartObject();
  put(json, "python", evaluator.python);
  put(json, "directory", evaluator.directory);
  put(json, "load", evaluator.load);
  json.EndObject();
}

BatchEvaluator evaluator_of(const Value& object) {
  const Value* const evaluator = member_of(object, "evaluator");
  if (!evaluator) return {};
  return {text_of(*evaluator, "python"), text_of(*evaluator, "directory"), text_of(*evaluator, "load")};
}

}  // namespace furrow::exec
