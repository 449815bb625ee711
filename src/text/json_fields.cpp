#include "text/json_fields.hpp"

#include <fmt/format.h>

#include <charconv>

namespace furrow::text {

void HexCodec::write(JsonWriter& json, std::uint64_t value) {
  text::write(json, fmt::format("{:016x}", value));
}

void HexCodec::read(const JsonValue& json, std::uint64_t& value) {
  if (!json.IsString()) return;
  const std::string_view digits = view(json);
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
}

std::string json_object(const std::function<void(JsonWriter& json)>& members) {
  JsonBuffer buffer;
  JsonWriter json(buffer);
  json.StartObject();
  members(json);
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace furrow::text
