#include "snakefile/fields.hpp"

#include <limits>

namespace furrow::snakefile {

using text::member;
using text::view;

void Fields::reject(std::string_view name, std::string_view what) {
  if (error_) return;
  std::string message = "the evaluator's answer is malformed: \"";
  message.append(name).append("\"");
  if (!place_.empty()) message.append(" of ").append(place_);
  error_ = Error{message.append(" must be ").append(what)};
}

const text::JsonValue* Fields::array(const text::JsonValue& object, const char* name) {
  const text::JsonValue* found = member(object, name);
  if (!found || found->IsArray()) return found;
  reject(name, "a list");
  return nullptr;
}

const text::JsonValue* Fields::object(const text::JsonValue& parent, const char* name) {
  const text::JsonValue* found = member(parent, name);
  if (!found || found->IsObject()) return found;
  reject(name, "an object");
  return nullptr;
}

std::string Fields::text(const text::JsonValue& object, const char* name) {
  const text::JsonValue* found = member(object, name);
  if (found) return text_of(*found, name);
  reject(name, "a string");
  return {};
}

std::string Fields::text_or(const text::JsonValue& object, const char* name, std::string_view fallback) {
  const text::JsonValue* found = member(object, name);
  return found ? text_of(*found, name) : std::string(fallback);
}

bool Fields::flag(const text::JsonValue& object, const char* name) {
  const text::JsonValue* found = member(object, name);
  if (!found) return false;
  if (!found->IsBool()) reject(name, "true or false");
  return found->IsTrue();
}

std::int64_t Fields::integer(const text::JsonValue& object, const char* name, std::int64_t fallback) {
  const text::JsonValue* found = member(object, name);
  if (!found) return fallback;
  if (found->IsInt64()) return found->GetInt64();
  reject(name, "an integer");
  return fallback;
}

int Fields::small_integer(const text::JsonValue& object, const char* name, int fallback) {
  const std::int64_t value = integer(object, name, fallback);
  if (value >= std::numeric_limits<int>::min() && value <= std::numeric_limits<int>::max())
    return static_cast<int>(value);
  reject(name, "a smaller number");
  return fallback;
}

std::string Fields::text_of(const text::JsonValue& value, std::string_view name) {
  if (value.IsString()) return std::string(view(value));
  reject(name, "a string");
  return {};
}

std::string Fields::system_text_of(const text::JsonValue& value, std::string_view name) {
  std::string text = text_of(value, name);
  if (text.find('\0') != std::string::npos) reject(name, "a text without zero bytes");
  return text;
}

std::string Fields::system_text_or(const text::JsonValue& object, const char* name,
                                   std::string_view fallback) {
  const text::JsonValue* found = member(object, name);
  return found ? system_text_of(*found, name) : std::string(fallback);
}

std::vector<std::string> Fields::texts(const text::JsonValue& object, const char* name) {
  std::vector<std::string> result;
  const text::JsonValue* list = array(object, name);
  if (!list) return result;
  result.reserve(list->Size());
  for (const text::JsonValue& item : list->GetArray()) result.push_back(text_of(item, name));
  return result;
}

}  // namespace furrow::snakefile
