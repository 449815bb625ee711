#include "exec/batch_file.hpp"

#include <fmt/format.h>

#include <charconv>

#include "exec/sealed_line.hpp"
#include "os/files.hpp"
#include "os/replacing_file.hpp"

namespace furrow::exec {

namespace {

using Kind = plan::Launch::Kind;
using Value = rapidjson::Value;

constexpr const char* kFormat = "batch 1";
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

std::string header_line(const Batch& batch) {
  return seal_object([&](SealedWriter& json) {
    put(json, "furrow", std::string_view(kFormat));
    put(json, "id", batch.id);
    put(json, "index", std::int64_t{batch.index});
    put(json, "directory", batch.directory);
    put(json, "cores", batch.cores);
    put(json, "memory_mb", batch.memory_mb);
    put(json, "timeout_s", batch.timeout_s);
    json.Key("one_stream");
    json.Bool(batch.one_stream);
    put(json, "jobs", static_cast<std::int64_t>(batch.jobs.size()));
    if (batch.evaluator.load.empty()) return;
    json.Key("evaluator");
    json.StartObject();
    put(json, "python", batch.evaluator.python);
    put(json, "directory", batch.evaluator.directory);
    put(json, "load", batch.evaluator.load);
    json.EndObject();
  });
}

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

std::string job_line(const BatchJob& job) {
  return seal_object([&](SealedWriter& json) {
    put(json, "key", job.key);
    put(json, "name", job.name);
    put(json, "identity", std::string_view(fmt::format("{:016x}", job.identity)));
    put(json, "attempt", std::int64_t{job.attempt});
    put(json, "cores", job.cores);
    put(json, "memory_mb", job.memory_mb);
    if (!job.after.empty()) {
      json.Key("after");
      json.StartArray();
      for (const std::uint32_t place : job.after) json.Uint(place);
      json.EndArray();
    }
    put_launch(json, job.launch);
  });
}

std::string string_of(const Value& value) {
  return value.IsString() ? std::string(value.GetString(), value.GetStringLength()) : std::string();
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

BatchJob job_of(const Value& line) {
  BatchJob job;
  job.key = text_of(line, "key");
  job.name = text_of(line, "name");
  const std::string identity = text_of(line, "identity");
  std::from_chars(identity.data(), identity.data() + identity.size(), job.identity, 16);
  job.attempt = static_cast<int>(number_of(line, "attempt", 1));
  job.cores = number_of(line, "cores", 1);
  job.memory_mb = number_of(line, "memory_mb");
  if (const Value* const after = member_of(line, "after"); after && after->IsArray()) {
    for (const Value& place : after->GetArray()) {
      if (place.IsUint()) job.after.push_back(place.GetUint());
    }
  }
  job.launch = launch_of(line);
  return job;
}

void read_header(const Value& line, Batch& batch) {
  batch.id = text_of(line, "id");
  batch.index = static_cast<std::uint32_t>(number_of(line, "index"));
  batch.directory = text_of(line, "directory");
  batch.cores = number_of(line, "cores");
  batch.memory_mb = number_of(line, "memory_mb");
  batch.timeout_s = real_of(line, "timeout_s");
  batch.one_stream = flag_of(line, "one_stream");
  if (const Value* const evaluator = member_of(line, "evaluator")) {
    batch.evaluator.python = text_of(*evaluator, "python");
    batch.evaluator.directory = text_of(*evaluator, "directory");
    batch.evaluator.load = text_of(*evaluator, "load");
  }
}

}  // namespace

Result<void> write_batch(const std::string& path, const Batch& batch) {
  auto file = os::ReplacingFile::create(path);
  if (!file) return fail(std::move(file.error()));
  std::string text = header_line(batch);
  for (const BatchJob& job : batch.jobs) {
    text += job_line(job);
    if (text.size() < 1 << 20) continue;
    if (auto written = (*file)->write(text); !written) return written;
    text.clear();
  }
  if (auto written = (*file)->write(text); !written) return written;
  return (*file)->finish();
}

Result<Batch> read_batch(const std::string& path) {
  auto text = os::read_file(path);
  if (!text) return fail(std::move(text.error()));
  Batch batch;
  std::string format;
  std::int64_t expected = 0;
  bool is_first = true;
  const std::size_t read = read_sealed(*text, [&](const Value& line) {
    if (is_first) {
      format = text_of(line, "furrow");
      expected = number_of(line, "jobs");
      read_header(line, batch);
    } else {
      batch.jobs.push_back(job_of(line));
    }
    is_first = false;
  });
  if (format != kFormat && !format.empty())
    return fail(Error{"this furrow does not know batches of the format \"" + format + "\"", path, 0,
                      "The engine that wrote it is another version: install the same on all nodes."});
  if (format.empty() || read != text->size() || expected != static_cast<std::int64_t>(batch.jobs.size()))
    return fail(Error{"the batch is damaged", path});
  for (std::size_t i = 0; i < batch.jobs.size(); ++i) {
    for (const std::uint32_t place : batch.jobs[i].after) {
      if (place >= i)
        return fail(Error{"a job of the batch waits for one that does not come before it", path});
    }
  }
  return batch;
}

}  // namespace furrow::exec
