// JSON text, parsed in place: values are views into the text, so a million strings need no allocations.
//
// An integer of more than 64 bits is a string of its digits. Bytes that are not UTF-8 pass unchanged in both directions. Text nested deeper than kMaxDepth is refused.
#pragma once

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace furrow::text {

using JsonValue = rapidjson::Value;
constexpr int kMaxDepth = 400;

// A parsed text and all its values. Movable; values move with it.
class JsonDocument {
 public:
  // WHAT names the text in the error ("the evaluator's answer").
  static Result<JsonDocument> parse(std::string text, const std::string& what);
  const JsonValue& root() const { return *document_; }

 private:
  std::unique_ptr<std::string> text_;
  std::unique_ptr<rapidjson::Document> document_;
};

inline std::string_view view(const JsonValue& value) { return {value.GetString(), value.GetStringLength()}; }
// The member NAME of OBJECT; nullptr if it is missing or null, or if OBJECT is not an object.
const JsonValue* member(const JsonValue& object, const char* name);

// Writes JSON without checking that its strings are UTF-8; NaN and infinities as Python's json module does.
using JsonBuffer = rapidjson::StringBuffer;
using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>,
                                     rapidjson::CrtAllocator, rapidjson::kWriteNanAndInfFlag>;
inline void write(JsonWriter& json, std::string_view text) {
  json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}
inline void write_key(JsonWriter& json, std::string_view text) {
  json.Key(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}
// One member of an object.
inline void write_text(JsonWriter& json, const char* name, std::string_view text) {
  json.Key(name);
  write(json, text);
}
inline void write_texts(JsonWriter& json, const char* name, const std::vector<std::string>& texts) {
  json.Key(name);
  json.StartArray();
  for (const std::string& text : texts) write(json, text);
  json.EndArray();
}
std::string to_text(const JsonValue& value);

}  // namespace furrow::text
