#include "report/redactor.hpp"

#include <algorithm>
#include <cstdlib>

#include "text/json.hpp"

namespace furrow::report {

namespace {

constexpr std::size_t kShortestPart = 4;
constexpr std::string_view kRedacted = "(redacted)";

void write_redacted(text::JsonWriter& json, const text::JsonValue& value, const Redactor& redactor) {
  if (value.IsObject()) {
    json.StartObject();
    for (const auto& member : value.GetObject()) {
      text::write_key(json, redactor.redacted(std::string(text::view(member.name))));
      write_redacted(json, member.value, redactor);
    }
    json.EndObject();
  } else if (value.IsArray()) {
    json.StartArray();
    for (const text::JsonValue& item : value.GetArray()) write_redacted(json, item, redactor);
    json.EndArray();
  } else if (value.IsString()) {
    text::write(json, redactor.redacted(std::string(text::view(value))));
  } else if (const std::string text = text::to_text(value);
             value.IsNumber() && redactor.redacted(text) == kRedacted) {
    text::write(json, kRedacted);
  } else {
    value.Accept(json);
  }
}

}  // namespace

Redactor Redactor::of_variables(const std::vector<std::string>& names) {
  std::vector<std::string> secrets;
  for (const std::string& name : names) {
    const char* const value = std::getenv(name.c_str());
    if (value && *value) secrets.emplace_back(value);
  }
  std::sort(secrets.begin(), secrets.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  return Redactor(std::move(secrets));
}

bool Redactor::is_secret(const std::string& text) const {
  return std::find(secrets_.begin(), secrets_.end(), text) != secrets_.end();
}

std::string Redactor::redacted(std::string text) const {
  if (is_secret(text)) return std::string(kRedacted);
  for (const std::string& secret : secrets_) {
    if (secret.size() < kShortestPart) continue;
    for (std::size_t at = text.find(secret); at != std::string::npos;
         at = text.find(secret, at + kRedacted.size()))
      text.replace(at, secret.size(), kRedacted);
  }
  return text;
}

Result<std::string> Redactor::redacted_json(const std::string& json) const {
  if (secrets_.empty()) return json;
  const auto document = FURROW_TRY(text::JsonDocument::parse(json, "the configuration"));
  text::JsonBuffer buffer;
  text::JsonWriter writer(buffer);
  write_redacted(writer, document.root(), *this);
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace furrow::report
