// Reads the members of JSON objects without an error check after each: the first error is kept, and a member
// that does not fit reads as empty.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "text/json.hpp"

namespace furrow::snakefile {

class Fields {
 public:
  bool ok() const { return !error_; }
  Error take_error() const { return *error_; }
  // What is being read, for the error: "rule a".
  void set_place(std::string place) { place_ = std::move(place); }

  // "NAME must be WHAT", unless there is an error already.
  void reject(std::string_view name, std::string_view what);

  // An optional member that is missing or null reads as nullptr or as its default. One of another type is an
  // error.
  const text::JsonValue* optional(const text::JsonValue& object, const char* name) {
    return text::member(object, name);
  }
  const text::JsonValue* array(const text::JsonValue& object, const char* name);   // optional
  const text::JsonValue* object(const text::JsonValue& parent, const char* name);  // optional
  std::string text(const text::JsonValue& object, const char* name);               // required
  std::string text_or(const text::JsonValue& object, const char* name, std::string_view fallback);
  bool flag(const text::JsonValue& object, const char* name);  // false if it is missing
  std::int64_t integer(const text::JsonValue& object, const char* name, std::int64_t fallback);
  int small_integer(const text::JsonValue& object, const char* name, int fallback);

  // VALUE as a string; NAME is for the error.
  std::string text_of(const text::JsonValue& value, std::string_view name);
  // The same for text that is passed to the system, which a zero byte would cut off.
  std::string system_text_of(const text::JsonValue& value, std::string_view name);
  std::string system_text_or(const text::JsonValue& object, const char* name, std::string_view fallback);
  // A list of strings; optional.
  std::vector<std::string> texts(const text::JsonValue& object, const char* name);

 private:
  std::string place_;
  std::optional<Error> error_;
};

}  // namespace furrow::snakefile
