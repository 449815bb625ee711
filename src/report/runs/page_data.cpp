#include <map>

#include "report/runs/run_facts.hpp"
#include "report/runs/run_texts.hpp"

namespace furrow::report {

using text::JsonWriter;

namespace {

class Columns {
 public:
  Columns(JsonWriter& json, const RunPicture& picture) : json_(json), picture_(picture) {}

  template <class Write>
  void add(const char* name, Write write) {
    json_.Key(name);
    json_.StartArray();
    for (const PicturedJob& job : picture_.jobs) write(job);
    json_.EndArray();
  }
  template <class Value>
  void numbers(const char* name, Value value_of) {
    add(name, [&](const PicturedJob& job) {
      const double value = value_of(job);
      if (value == static_cast<double>(static_cast<std::int64_t>(value))) {
        json_.Int64(static_cast<std::int64_t>(value));
      } else {
        json_.Double(value);
      }
    });
  }
  void texts(const char* name, std::string PicturedJob::*field) {
    add(name, [&](const PicturedJob& job) { text::write(json_, job.*field); });
  }
  // Of which there are few: each once, and its number for each job.
  void few_texts(const char* list, const char* name, std::string PicturedJob::*field) {
    std::map<std::string, unsigned, std::less<>> numbers;
    std::vector<std::string> texts;
    add(name, [&](const PicturedJob& job) {
      const auto [place, is_new] = numbers.try_emplace(job.*field, static_cast<unsigned>(texts.size()));
      if (is_new) texts.push_back(job.*field);
      json_.Uint(place->second);
    });
    text::write_texts(json_, list, texts);
  }

 private:
  JsonWriter& json_;
  const RunPicture& picture_;
};

std::string jobs_data(const RunPicture& picture, const std::string& folder) {
  JsonText made;
  JsonWriter& json = *made;
  const double began = picture.facts.began_at;
  // Times count from the begin of the run, which takes fewer digits.
  const auto since = [began](double at) { return at > 0 ? at - began : -1e9; };
  json.StartObject();
  Columns columns(json, picture);
  columns.few_texts("rules", "rule", &PicturedJob::rule);
  columns.few_texts("reasons", "reason", &PicturedJob::reason);
  columns.few_texts("hosts", "host", &PicturedJob::host);
  columns.texts("key", &PicturedJob::key);
  columns.texts("wildcards", &PicturedJob::wildcards);
  columns.add("state", [&](const PicturedJob& job) { text::write(json, name_of(job.state)); });
  columns.numbers("in_run", [](const PicturedJob& job) { return job.is_of_run ? 1.0 : 0.0; });
  columns.numbers("ready", [&](const PicturedJob& job) { return since(job.ready_at); });
  columns.numbers("handed", [&](const PicturedJob& job) { return since(job.handed_at); });
  columns.numbers("started", [&](const PicturedJob& job) { return since(job.started_at); });
  columns.numbers("ended", [&](const PicturedJob& job) { return since(job.ended_at); });
  columns.numbers("work", [](const PicturedJob& job) { return job.worked_s(); });
  columns.numbers("cpu", [](const PicturedJob& job) { return job.user_s + job.system_s; });
  columns.numbers("rss", [](const PicturedJob& job) { return static_cast<double>(job.max_rss_kb); });
  columns.numbers("threads", [](const PicturedJob& job) { return job.threads; });
  columns.numbers("attempt", [](const PicturedJob& job) { return job.attempt; });
  columns.numbers("status", [](const PicturedJob& job) { return job.status; });
  columns.numbers("signal", [](const PicturedJob& job) { return job.signal; });
  columns.numbers("waited_for", [](const PicturedJob& job) {
    return job.waited_for == kNoJob ? -1.0 : static_cast<double>(job.waited_for);
  });
  // What few jobs have, by their numbers.
  json.Key("further");
  json.StartObject();
  LogEnds logs(folder);
  for (std::size_t at = 0; at < picture.jobs.size(); ++at) {
    const PicturedJob& job = picture.jobs[at];
    const std::string log = logs.of(job);
    if (job.error.empty() && log.empty() && job.command.empty() && job.logs.empty()) continue;
    json.Key(std::to_string(at).c_str());
    json.StartObject();
    if (!job.error.empty()) text::write_text(json, "error", job.error);
    if (!log.empty()) text::write_text(json, "log", log);
    if (!job.logs.empty()) text::write_texts(json, "logs", job.logs);
    if (!job.command.empty()) text::write_text(json, "command", job.command);
    json.EndObject();
  }
  json.EndObject();
  json.EndObject();
  return made.text();
}

std::string attempts_data(const RunPicture& picture) {
  JsonText made;
  JsonWriter& json = *made;
  const auto column = [&](const char* name, auto write) {
    json.Key(name);
    json.StartArray();
    for (const PicturedAttempt& attempt : picture.attempts) write(attempt);
    json.EndArray();
  };
  const double began = picture.facts.began_at;
  json.StartObject();
  column("job", [&](const PicturedAttempt& attempt) { json.Uint(attempt.job); });
  column("slot", [&](const PicturedAttempt& attempt) { json.Uint(attempt.slot); });
  column("number", [&](const PicturedAttempt& attempt) { json.Int(attempt.number); });
  column("started", [&](const PicturedAttempt& attempt) { json.Double(attempt.started_at - began); });
  column("took", [&](const PicturedAttempt& attempt) {
    json.Double(attempt.ended_at > 0 ? attempt.ended_at - attempt.started_at : -1);
  });
  column("failed", [&](const PicturedAttempt& attempt) {
    json.Int(attempt.state == JobState::kDone || attempt.state == JobState::kRunning ? 0 : 1);
  });
  json.Key("slots");
  json.Uint(picture.slots);
  json.EndObject();
  return made.text();
}

}  // namespace

std::vector<std::pair<std::string, std::string>> page_data(const RunPicture& picture,
                                                           const PictureTexts& about) {
  JsonText facts;
  JsonWriter& json = *facts;
  json.StartObject();
  text::write_text(json, "folder", about.folder);
  text::write_text(json, "version", about.version);
  write_number(json, "made", about.made_at);
  write_number(json, "slots", picture.slots);
  json.Key("has_journal");
  json.Bool(picture.has_journal);
  write_run(json, picture);
  write_rules(json, picture);
  json.Key("chain");
  json.StartArray();
  for (const std::uint32_t job : picture.chain) json.Uint(job);
  json.EndArray();
  json.EndObject();
  return {{"run", facts.text()},
          {"jobs", jobs_data(picture, about.folder)},
          {"attempts", attempts_data(picture)}};
}

}  // namespace furrow::report
