// Reading the members of JSON objects without an error check after each: the first thing that does not fit is
// kept, and what was asked for is then empty.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "snakefile/json.hpp"

namespace furrow::snakefile {

class Fields {
 public:
  bool ok() const { return !error_; }
  Error take_error() const { return *error_; }
  // What is being read, for the error: "rule a".
  void set_place(std::string place) { place_ = std::move(place); }

  // "NAME must be WHAT", unless there is an error already.
  void reject(std::string_view name, std::string_view what);

  // An optional member is nullptr (or the default) where it is missing or null, but not where it is of
  // another type.
  const JsonValue* optional(const JsonValue& object, const char* name) { return member(object, name); }
  const JsonValue* array(const JsonValue& object, const char* name);   // optional
  const JsonValue* object(const JsonValue& parent, const char* name);  // optional
  std::string text(const JsonValue& object, const char* name);         // required
  std::string text_or(const JsonValue& object, const char* name, std::string_view fallback);
  bool flag(const JsonValue& object, const char* name);  // false where it is missing
  std::int64_t integer(const JsonValue& object, const char* name, std::int64_t fallback);
  int small_integer(const JsonValue& object, const char* name, int fallback);

  // A value that has been found already, and what to call it.
  std::string text_of(const JsonValue& value, std::string_view name);
  // The same for what is passed to the system, where a zero byte would end it.
  std::string system_text_of(const JsonValue& value, std::string_view name);
  std::string system_text_or(const JsonValue& object, const char* name, std::string_view fallback);
  std::vector<std::string> texts(const JsonValue& object, const char* name);  // a list of strings; optional

 private:
  std::string place_;
  std::optional<Error> error_;
};

}  // namespace furrow::snakefile
