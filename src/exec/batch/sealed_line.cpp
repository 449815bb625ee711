#include "exec/batch/sealed_line.hpp"

#include <fmt/format.h>

#include "base/hash.hpp"

namespace furrow::exec {

namespace {

constexpr std::size_t kHashDigits = 16;
constexpr unsigned kParseFlags = rapidjson::kParseFullPrecisionFlag | rapidjson::kParseIterativeFlag;

// The JSON of a line without its end; empty where its hash says otherwise.
std::string_view opened(std::string_view line) {
  if (line.size() <= kHashDigits + 1 || line[kHashDigits] != ' ') return {};
  const std::string_view json = line.substr(kHashDigits + 1);
  return line.substr(0, kHashDigits) == fmt::format("{:016x}", hash64(json)) ? json : std::string_view();
}

rapidjson::SizeType length(std::string_view text) { return static_cast<rapidjson::SizeType>(text.size()); }

}  // namespace

std::string seal(std::string_view json) { return fmt::format("{:016x} {}\n", hash64(json), json); }

std::string json_object(const std::function<void(SealedWriter& json)>& members) {
  SealedBuffer buffer;
  SealedWriter json(buffer);
  json.StartObject();
  members(json);
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

bool read_object(std::string_view json, rapidjson::Document& object) {
  object.Parse<kParseFlags>(json.data(), json.size());
  return !object.HasParseError() && object.IsObject();
}

std::string seal_object(const std::function<void(SealedWriter& json)>& members) {
  return seal(json_object(members));
}

void put(SealedWriter& json, const char* name, std::string_view text) {
  json.Key(name);
  json.String(text.data(), length(text));
}

void put(SealedWriter& json, const char* name, std::int64_t number) {
  json.Key(name);
  json.Int64(number);
}

void put(SealedWriter& json, const char* name, double number) {
  json.Key(name);
  json.Double(number);
}

const rapidjson::Value* member_of(const rapidjson::Value& object, const char* name) {
  if (!object.IsObject()) return nullptr;
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

std::string text_of(const rapidjson::Value& object, const char* name) {
  const rapidjson::Value* const value = member_of(object, name);
  return value && value->IsString() ? std::string(value->GetString(), value->GetStringLength())
                                    : std::string();
}

std::int64_t number_of(const rapidjson::Value& object, const char* name, std::int64_t fallback) {
  const rapidjson::Value* const value = member_of(object, name);
  return value && value->IsInt64() ? value->GetInt64() : fallback;
}

double real_of(const rapidjson::Value& object, const char* name) {
  const rapidjson::Value* const value = member_of(object, name);
  return value && value->IsNumber() ? value->GetDouble() : 0;
}

bool flag_of(const rapidjson::Value& object, const char* name) {
  const rapidjson::Value* const value = member_of(object, name);
  return value && value->IsTrue();
}

std::size_t read_sealed(std::string_view text,
                        const std::function<void(const rapidjson::Value& object)>& use) {
  std::size_t read = 0;
  for (;;) {
    const std::size_t end = text.find('\n', read);
    if (end == std::string_view::npos) return read;
    const std::string_view json = opened(text.substr(read, end - read));
    if (json.empty()) return read;
    rapidjson::Document document;
    if (!read_object(json, document)) return read;
    use(document);
    read = end + 1;
  }
}

}  // namespace furrow::exec
