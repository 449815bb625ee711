#include "snakefile/report_question.hpp"

#include "snakefile/encoder.hpp"
#include "snakefile/fields.hpp"

namespace furrow::snakefile {

namespace {

void begin(text::JsonWriter& json, std::uint64_t id, std::string_view op) {
  json.StartObject();
  json.Key("id");
  json.Uint64(id);
  text::write_text(json, "op", op);
}

void write_graph(text::JsonWriter& json, const ReportQuestion& question) {
  json.Key("graph");
  json.StartObject();
  text::write_texts(json, "rules", question.rules);
  json.Key("links");
  json.StartArray();
  for (const auto& [start, end] : question.links) {
    json.StartArray();
    json.Uint(start);
    json.Uint(end);
    json.EndArray();
  }
  json.EndArray();
  json.EndObject();
}

ReportedFile read_file(Fields& fields, const text::JsonValue& value) {
  ReportedFile file{fields.text(value, "id"), fields.text(value, "path"), fields.text(value, "name"),
                    fields.flag(value, "page")};
  if (const text::JsonValue* others = fields.array(value, "others")) {
    for (const text::JsonValue& other : others->GetArray()) {
      if (!other.IsArray() || other.Size() != 2) {
        fields.reject("others", "pairs");
        continue;
      }
      file.others.emplace_back(fields.system_text_of(other[0], "others"),
                               fields.system_text_of(other[1], "others"));
    }
  }
  return file;
}

}  // namespace

std::string encode_report(std::uint64_t id, const ReportQuestion& question) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  begin(json, id, "report");
  json.Key("archive");
  json.Bool(question.is_archive);
  if (!question.metadata.empty()) text::write_text(json, "metadata", question.metadata);
  text::write_texts(json, "envvars", question.envvars);
  write_graph(json, question);
  json.Key("jobs");
  json.StartArray();
  for (const workflow::JobView& job : question.jobs) {
    const std::string encoded = encode_job(job);
    json.RawValue(encoded.data(), encoded.size(), rapidjson::kObjectType);
  }
  json.EndArray();
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

Result<ReportAnswer> decode_report(const text::JsonValue& answer) {
  Fields fields;
  fields.set_place("the report");
  ReportAnswer report;
  if (const text::JsonValue* facts = fields.object(answer, "facts")) report.facts = text::to_text(*facts);
  if (const text::JsonValue* files = fields.array(answer, "files")) {
    for (const text::JsonValue& file : files->GetArray()) report.files.push_back(read_file(fields, file));
  }
  report.secrets = fields.texts(answer, "secrets");
  if (!fields.ok()) return fail(fields.take_error());
  return report;
}

std::string encode_archive(std::uint64_t id, const std::string& path, const std::string& page,
                           const std::vector<std::pair<std::string, std::string>>& files) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  begin(json, id, "archive");
  text::write_text(json, "path", path);
  text::write_text(json, "page", page);
  json.Key("files");
  json.StartArray();
  for (const auto& [file, name] : files) {
    json.StartArray();
    text::write(json, file);
    text::write(json, name);
    json.EndArray();
  }
  json.EndArray();
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace furrow::snakefile
