#include "snakefile/encoder.hpp"

#include "text/json.hpp"

namespace furrow::snakefile {

using text::write;
using text::write_key;
using text::write_text;
using text::write_texts;

namespace {

std::string take(const text::JsonBuffer& buffer) { return {buffer.GetString(), buffer.GetSize()}; }

void write_raw(text::JsonWriter& json, std::string_view text) {
  json.RawValue(text.data(), text.size(), rapidjson::kObjectType);
}

void write_or_null(text::JsonWriter& json, const char* name, const std::string& text) {
  json.Key(name);
  if (text.empty()) {
    json.Null();
  } else {
    write(json, text);
  }
}

void write_bool(text::JsonWriter& json, const char* name, bool value) {
  json.Key(name);
  json.Bool(value);
}

void begin_request(text::JsonWriter& json, std::uint64_t id, std::string_view op) {
  json.StartObject();
  json.Key("id");
  json.Uint64(id);
  write_text(json, "op", op);
}

void write_wildcards(text::JsonWriter& json, const workflow::WildcardValues& wildcards) {
  json.Key("w");
  json.StartObject();
  for (const auto& [name, value] : wildcards) {
    write_key(json, name);
    write(json, value);
  }
  json.EndObject();
}

void write_shapes(text::JsonWriter& json, const std::vector<workflow::Shape>& shapes) {
  json.Key("input_shape");
  json.StartArray();
  for (const workflow::Shape& shape : shapes) {
    json.StartArray();
    if (shape.name.empty()) {
      json.Null();
    } else {
      write(json, shape.name);
    }
    json.Uint(shape.first);
    json.Uint(shape.end);
    json.Bool(shape.is_list);
    json.EndArray();
  }
  json.EndArray();
}

// Leaves out a resource that a function answers: it has no value yet.
void write_resources(text::JsonWriter& json,
                     const std::vector<std::pair<std::string, workflow::ResourceValue>>& resources) {
  json.Key("resources");
  json.StartObject();
  for (const auto& [name, value] : resources) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      write_key(json, name);
      json.Int64(*number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      write_key(json, name);
      write(json, *text);
    }
  }
  json.EndObject();
}

void write_job_members(text::JsonWriter& json, const workflow::JobView& job) {
  json.Key("r");
  json.Uint(job.rule);
  write_wildcards(json, job.wildcards);
  write_texts(json, "input", job.input);
  if (!job.input_shape.empty()) write_shapes(json, job.input_shape);
  write_texts(json, "output", job.output);
  write_texts(json, "log", job.log);
  if (!job.benchmark.empty()) write_text(json, "benchmark", job.benchmark);
  if (!job.directory.empty()) write_text(json, "cwd", job.directory);
  json.Key("threads");
  json.Int64(job.threads);
  write_resources(json, job.resources);
  json.Key("attempt");
  json.Int(job.attempt);
  if (job.repetition >= 0) {
    json.Key("bench_iteration");
    json.Int(job.repetition);
  }
  if (job.is_preview) write_bool(json, "preview", true);
  if (job.is_ahead) write_bool(json, "ahead", true);
  if (!job.group.empty()) {
    write_text(json, "group", job.group);
    write_texts(json, "rules", {job.rules.begin(), job.rules.end()});
  }
  if (job.number == 0) return;
  json.Key("jobid");
  json.Int64(job.number);
}

void write_wants(text::JsonWriter& json, const workflow::DetailQuestion& question) {
  json.Key("want");
  json.StartArray();
  if (question.threads) json.String("threads");
  if (question.resources) json.String("resources");
  if (question.params) json.String("params");
  if (question.group) json.String("group");
  if (question.priority) json.String("priority");
  if (question.ensure) json.String("ensure");
  if (question.environment) json.String("environment");
  json.EndArray();
}

void write_pairs(text::JsonWriter& json, std::string_view key, const LoadRequest::Pairs& pairs) {
  write_key(json, key);
  json.StartObject();
  for (const auto& [name, value] : pairs) {
    write_key(json, name);
    write(json, value);
  }
  json.EndObject();
}

void write_numbers(text::JsonWriter& json, const char* key, const LoadRequest::Pairs& numbers) {
  json.Key(key);
  json.StartObject();
  for (const auto& [name, value] : numbers) {
    write_key(json, name);
    write_raw(json, value);
  }
  json.EndObject();
}

}  // namespace

std::string encode_load(std::uint64_t id, const LoadRequest& request) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  begin_request(json, id, "load");
  if (!request.argv.empty()) write_texts(json, "argv", request.argv);
  write_text(json, "snakefile", request.snakefile);
  write_or_null(json, "workdir", request.workdir);
  json.Key("config");
  write_raw(json, request.config);
  write_texts(json, "config_args", request.config_args);
  write_texts(json, "configfiles", request.configfiles);
  json.Key("cores");
  json.Int(request.cores);
  json.Key("max_threads");
  json.Int(request.max_threads);
  json.Key("attempt");
  json.Int(request.attempt);
  write_bool(json, "stdout_is_data", request.stdout_is_data);
  write_text(json, "mode", request.mode);
  write_texts(json, "targets", request.targets);
  json.Key("overwrite");
  json.StartObject();
  write_or_null(json, "shadow_prefix", request.shadow_prefix);
  write_pairs(json, "threads", request.set_threads);
  write_numbers(json, "scatter", request.set_scatter);
  json.Key("resources");
  json.StartObject();
  for (const auto& [rule, values] : request.set_resources) write_pairs(json, rule, values);
  json.EndObject();
  write_pairs(json, "groups", request.groups);
  if (!request.consider_ancient.empty()) write_pairs(json, "ancient", request.consider_ancient);
  if (!request.omit_flags.empty()) write_texts(json, "omit_flags", request.omit_flags);
  json.EndObject();
  write_pairs(json, "default_resources", request.default_resources);
  write_numbers(json, "resources", request.limits);
  if (!request.places.empty()) write_pairs(json, "places", request.places);
  write_bool(json, "replace_config", request.replace_config);
  write_bool(json, "quiet", request.quiet);
  write_bool(json, "dryrun", request.dryrun);
  write_bool(json, "cluster", request.has_cluster);
  write_bool(json, "printshellcmds", request.printshellcmds);
  if (!request.jobscript.empty()) write_text(json, "jobscript", request.jobscript);
  if (!request.cluster_config.empty()) write_texts(json, "cluster_config", request.cluster_config);
  if (!request.wrapper_prefix.empty()) write_text(json, "wrapper_prefix", request.wrapper_prefix);
  if (!request.edit_notebook.empty()) {
    write_text(json, "edit_notebook", request.edit_notebook);
    write_text(json, "notebook_listen", request.notebook_listen);
  }
  if (!request.draft_notebook.empty()) write_text(json, "draft_notebook", request.draft_notebook);
  if (!request.deployment.empty()) write_texts(json, "deployment", request.deployment);
  json.EndObject();
  return take(buffer);
}

std::string encode_inputs(std::uint64_t id, std::span<const workflow::InputQuestion> jobs) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  begin_request(json, id, "inputs");
  json.Key("jobs");
  json.StartArray();
  for (const workflow::InputQuestion& job : jobs) {
    json.StartObject();
    json.Key("r");
    json.Uint(job.rule);
    write_wildcards(json, job.wildcards);
    json.Key("attempt");
    json.Int(1);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return take(buffer);
}

std::string encode_finished(std::uint64_t id, std::span<const std::string> outputs) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  begin_request(json, id, "finished");
  json.Key("outputs");
  json.StartArray();
  for (const std::string& output : outputs) text::write(json, output);
  json.EndArray();
  json.EndObject();
  return take(buffer);
}

std::string encode_queues(std::uint64_t id) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  begin_request(json, id, "queues");
  json.EndObject();
  return take(buffer);
}

std::string encode_details(std::uint64_t id, std::span<const workflow::DetailQuestion> jobs) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  begin_request(json, id, "details");
  json.Key("jobs");
  json.StartArray();
  for (const workflow::DetailQuestion& question : jobs) {
    json.StartObject();
    write_job_members(json, question.job);
    write_wants(json, question);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return take(buffer);
}

std::string encode_jobs(std::uint64_t id, std::string_view op, std::span<const workflow::JobView> jobs,
                        std::string_view text) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  begin_request(json, id, op);
  if (!text.empty()) write_text(json, "text", text);
  json.Key("jobs");
  json.StartArray();
  for (const workflow::JobView& job : jobs) {
    json.StartObject();
    write_job_members(json, job);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return take(buffer);
}

std::string encode_job(const workflow::JobView& job) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  json.StartObject();
  write_job_members(json, job);
  json.EndObject();
  return take(buffer);
}

std::string encode_fork(std::uint64_t id, std::uint64_t tag, std::uint32_t slot, std::string_view job) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  begin_request(json, id, "fork");
  json.Key("tag");
  json.Uint64(tag);
  json.Key("slot");
  json.Uint(slot);
  json.Key("job");
  write_raw(json, job);
  json.EndObject();
  return take(buffer);
}

std::string encode_hook(std::uint64_t id, const std::string& name, const std::string& log_path) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  begin_request(json, id, "hook");
  write_text(json, "name", name);
  write_text(json, "log", log_path);
  json.EndObject();
  return take(buffer);
}

std::string encode_text(std::uint64_t id, const std::string& what) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  begin_request(json, id, "text");
  write_text(json, "what", what);
  json.EndObject();
  return take(buffer);
}

std::string encode_answer(std::uint64_t ask, std::string_view text) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  json.StartObject();
  json.Key("answer");
  json.Uint64(ask);
  json.Key("ok");
  write_raw(json, text);
  json.EndObject();
  return take(buffer);
}

std::string encode_answer(std::uint64_t ask, const GlobAnswer& answer) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  json.StartObject();
  write_texts(json, "names", answer.names);
  json.Key("values");
  json.StartArray();
  for (const std::vector<std::string>& match : answer.values) {
    json.StartArray();
    for (const std::string& value : match) write(json, value);
    json.EndArray();
  }
  json.EndArray();
  json.EndObject();
  return encode_answer(ask, std::string_view(buffer.GetString(), buffer.GetSize()));
}

std::string encode_answer(std::uint64_t ask, const Error& error) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  json.StartObject();
  json.Key("answer");
  json.Uint64(ask);
  json.Key("error");
  json.StartObject();
  write_text(json, "type", "WorkflowError");
  write_text(json, "message", error.message);
  if (!error.file.empty()) write_text(json, "file", error.file);
  if (error.line > 0) {
    json.Key("line");
    json.Int(error.line);
  }
  if (!error.hint.empty()) write_text(json, "hint", error.hint);
  json.EndObject();
  json.EndObject();
  return take(buffer);
}

}  // namespace furrow::snakefile
