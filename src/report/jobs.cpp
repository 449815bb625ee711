#include "report/jobs.hpp"

#include <algorithm>
#include <map>

#include "text/json.hpp"

namespace furrow::report {

namespace {

using Records = std::span<const store::JobRecord>;

// What all jobs together may take.
constexpr std::size_t kCommands = 2'000'000, kParams = 700'000, kShortestText = 60, kLongestText = 4000;

std::size_t most_of(std::size_t all, std::size_t count) {
  return std::clamp(all / std::max<std::size_t>(count, 1), kShortestText, kLongestText);
}

// At the end of a character of UTF-8.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most) + "...";
}

template <class Write>
void column(text::JsonWriter& json, const char* name, Records records, Write write) {
  json.Key(name);
  json.StartArray();
  for (const store::JobRecord& record : records) write(record);
  json.EndArray();
}

// Texts of which there are few: each once, and a number for each job.
template <class Text>
void few_texts(text::JsonWriter& json, const char* list, const char* name, Records records, Text text_of) {
  std::map<std::string, unsigned, std::less<>> numbers;
  std::vector<std::string> texts;
  column(json, name, records, [&](const store::JobRecord& record) {
    const std::string& value = text_of(record);
    const auto [place, is_new] = numbers.try_emplace(value, static_cast<unsigned>(texts.size()));
    if (is_new) texts.push_back(value);
    json.Uint(place->second);
  });
  text::write_texts(json, list, texts);
}

}  // namespace

std::string jobs_json(Records records, const Redactor& redactor) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  const auto number = [&](const char* name, auto value_of) {
    column(json, name, records,
           [&](const store::JobRecord& record) { json.Int64(static_cast<std::int64_t>(value_of(record))); });
  };
  const auto seconds = [&](const char* name, auto value_of) {
    json.SetMaxDecimalPlaces(3);
    column(json, name, records, [&](const store::JobRecord& record) { json.Double(value_of(record)); });
  };
  const std::size_t command = most_of(kCommands, records.size()), params = most_of(kParams, records.size());
  json.StartObject();
  few_texts(json, "rules", "rule", records,
            [](const auto& record) -> const std::string& { return record.rule; });
  few_texts(json, "hosts", "host", records,
            [](const auto& record) -> const std::string& { return record.host; });
  column(json, "key", records, [&](const store::JobRecord& record) { text::write(json, record.key); });
  column(json, "wildcards", records,
         [&](const store::JobRecord& record) { text::write(json, cut(record.wildcards, kLongestText)); });
  number("phase", [](const auto& record) { return record.phase; });
  seconds("started", [](const auto& record) { return record.started_at; });
  seconds("took", [](const auto& record) {
    return record.finished_at > 0 ? std::max(0.0, record.finished_at - record.started_at) : -1;
  });
  seconds("cpu", [](const auto& record) { return record.user_s + record.system_s; });
  number("rss", [](const auto& record) { return record.max_rss_kb; });
  number("threads", [](const auto& record) { return record.threads; });
  number("attempt", [](const auto& record) { return record.attempt; });
  number("status", [](const auto& record) { return record.status; });
  number("signal", [](const auto& record) { return record.signal; });
  column(json, "params", records, [&](const store::JobRecord& record) {
    text::write(json, cut(redactor.redacted(record.params), params));
  });
  column(json, "command", records, [&](const store::JobRecord& record) {
    text::write(json, cut(redactor.redacted(record.command), command));
  });
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace furrow::report
