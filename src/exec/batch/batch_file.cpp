#include "exec/batch/batch_file.hpp"

#include <fmt/format.h>

#include <charconv>

#include "exec/batch/attempt_json.hpp"
#include "exec/batch/sealed_line.hpp"
#include "os/files/files.hpp"
#include "os/files/replacing_file.hpp"

namespace furrow::exec {

namespace {

using Value = rapidjson::Value;

constexpr const char* kFormat = "batch 1";
std::string header_line(const Batch& batch) {
  return seal_object([&](SealedWriter& json) {
    put(json, "furrow", std::string_view(kFormat));
    put(json, "id", batch.id);
    put(json, "index", std::int64_t{batch.index});
    if (!batch.group.empty()) put(json, "group", batch.group);
    put(json, "directory", batch.directory);
    put(json, "cores", batch.cores);
    put(json, "memory_mb", batch.memory_mb);
    put(json, "timeout_s", batch.timeout_s);
    if (batch.time_s > 0) {
      put(json, "time_s", batch.time_s);
      put(json, "longest_s", batch.longest_s);
    }
    json.Key("one_stream");
    json.Bool(batch.one_stream);
    put(json, "jobs", static_cast<std::int64_t>(batch.jobs.size()));
    if (batch.evaluator.load.empty()) return;
    put_evaluator(json, batch.evaluator);
  });
}

void put_texts(SealedWriter& json, const char* name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  json.Key(name);
  json.StartArray();
  for (const std::string& text : texts)
    json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
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
    put_texts(json, "files", job.files.files);
    put_texts(json, "folders", job.files.folders);
    put_texts(json, "touched", job.files.touched);
    put_texts(json, "temporary", job.files.temporary);
    put_launch(json, job.launch);
  });
}

std::vector<std::string> texts_of(const Value& line, const char* name) {
  std::vector<std::string> texts;
  if (const Value* const list = member_of(line, name); list && list->IsArray()) {
    for (const Value& text : list->GetArray()) {
      if (text.IsString()) texts.emplace_back(text.GetString(), text.GetStringLength());
    }
  }
  return texts;
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
  job.files = {texts_of(line, "files"), texts_of(line, "folders"), texts_of(line, "touched"),
               texts_of(line, "temporary")};
  job.launch = launch_of(line);
  return job;
}

void read_header(const Value& line, Batch& batch) {
  batch.id = text_of(line, "id");
  batch.index = static_cast<std::uint32_t>(number_of(line, "index"));
  batch.group = text_of(line, "group");
  batch.directory = text_of(line, "directory");
  batch.cores = number_of(line, "cores");
  batch.memory_mb = number_of(line, "memory_mb");
  batch.timeout_s = real_of(line, "timeout_s");
  batch.time_s = real_of(line, "time_s");
  batch.longest_s = real_of(line, "longest_s");
  batch.one_stream = flag_of(line, "one_stream");
  batch.evaluator = evaluator_of(line);
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
