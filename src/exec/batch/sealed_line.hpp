// Lines of JSON that show whether they are whole: "HASH JSON\n", as docs/design/cluster.md describes them.
//
// Bytes that are not UTF-8 pass unharmed. Thread-safe: no state.
#pragma once

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace furrow::exec {

using SealedBuffer = rapidjson::StringBuffer;
using SealedWriter = rapidjson::Writer<rapidjson::StringBuffer>;

std::string seal(std::string_view json);  // with its line end

// One object, and none of a line's ends and hashes.
std::string json_object(const std::function<void(SealedWriter& json)>& members);
bool read_object(std::string_view json, rapidjson::Document& object);

// One object, written member by member: seal([](SealedWriter& json) { ... }).
std::string seal_object(const std::function<void(SealedWriter& json)>& members);

void put(SealedWriter& json, const char* name, std::string_view text);
void put(SealedWriter& json, const char* name, std::int64_t number);
void put(SealedWriter& json, const char* name, double number);

// The members of an object that was read; what is missing, or of another type, is what FALLBACK says.
std::string text_of(const rapidjson::Value& object, const char* name);
std::int64_t number_of(const rapidjson::Value& object, const char* name, std::int64_t fallback = 0);
double real_of(const rapidjson::Value& object, const char* name);
bool flag_of(const rapidjson::Value& object, const char* name);
const rapidjson::Value* member_of(const rapidjson::Value& object, const char* name);  // null: missing

// Hands over each object at the beginning of TEXT, up to the first line that is not whole; how many bytes
// those lines have.
std::size_t read_sealed(std::string_view text,
                        const std::function<void(const rapidjson::Value& object)>& use);

}  // namespace furrow::exec
