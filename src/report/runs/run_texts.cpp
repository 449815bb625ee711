#include "report/runs/run_texts.hpp"

#include <fmt/format.h>

#include "report/runs/run_facts.hpp"

namespace furrow::report {

using text::JsonWriter;

namespace {

constexpr int kJsonFormat = 1;

void write_job(JsonWriter& json, const PicturedJob& job, const std::string& log_end) {
  json.StartObject();
  text::write_text(json, "rule", job.rule);
  text::write_text(json, "wildcards", job.wildcards);
  text::write_text(json, "key", job.key);
  text::write_text(json, "state", name_of(job.state));
  json.Key("in_run");
  json.Bool(job.is_of_run);
  text::write_text(json, "reason", job.reason);
  write_known(json, "ready_at", job.ready_at);
  write_known(json, "handed_at", job.handed_at);
  write_known(json, "started_at", job.started_at);
  write_known(json, "ended_at", job.ended_at);
  write_number(json, "waited_s", job.waited_s());
  write_number(json, "work_s", job.worked_s());
  write_number(json, "user_s", job.user_s);
  write_number(json, "system_s", job.system_s);
  write_known_whole(json, "max_rss_kb", job.max_rss_kb);
  write_whole(json, "threads", job.threads);
  write_whole(json, "attempt", job.attempt);
  write_whole(json, "exit_status", job.status);
  write_whole(json, "signal", job.signal);
  text::write_text(json, "host", job.host);
  text::write_texts(json, "logs", job.logs);
  if (!job.error.empty()) text::write_text(json, "error", job.error);
  if (!log_end.empty()) text::write_text(json, "log_end", log_end);
  if (!job.command.empty()) text::write_text(json, "command", job.command);
  json.EndObject();
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string csv_number(double value) { return value > 0 ? fmt::format("{:.4f}", value) : ""; }

void write_chain(JsonWriter& json, const RunPicture& picture) {
  json.Key("critical_path");
  json.StartArray();
  for (const std::uint32_t job : picture.chain) text::write(json, picture.jobs[job].key);
  json.EndArray();
}

}  // namespace

std::string run_json(const RunPicture& picture, const PictureTexts& about) {
  JsonText made;
  JsonWriter& json = *made;
  json.StartObject();
  write_whole(json, "format", kJsonFormat);
  text::write_text(json, "folder", about.folder);
  write_number(json, "made_at", about.made_at);
  write_run(json, picture);
  write_rules(json, picture);
  write_chain(json, picture);
  json.Key("jobs");
  json.StartArray();
  LogEnds logs(about.folder);
  for (const PicturedJob& job : picture.jobs) write_job(json, job, logs.of(job));
  json.EndArray();
  json.EndObject();
  return made.text() + "\n";
}

std::string run_csv(const RunPicture& picture) {
  std::string text =
      "rule,wildcards,key,state,in_run,reason,ready_at,handed_at,started_at,ended_at,waited_s,work_s,user_s,"
      "system_s,max_rss_kb,threads,attempt,exit_status,signal,host\n";
  for (const PicturedJob& job : picture.jobs) {
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{:.4f},{:.4f},{:.4f},{:.4f},{},{},{},{},{},{}\n",
                        csv_field(job.rule), csv_field(job.wildcards), csv_field(job.key), name_of(job.state),
                        job.is_of_run ? 1 : 0, csv_field(job.reason), csv_number(job.ready_at),
                        csv_number(job.handed_at), csv_number(job.started_at), csv_number(job.ended_at),
                        job.waited_s(), job.worked_s(), job.user_s, job.system_s,
                        job.max_rss_kb > 0 ? std::to_string(job.max_rss_kb) : "", job.threads, job.attempt,
                        job.status, job.signal, csv_field(job.host));
  }
  return text;
}

}  // namespace furrow::report
