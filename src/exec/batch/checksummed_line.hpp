// Lines of JSON that show whether they are whole: "HASH JSON\n", as docs/design/cluster.md describes them.
//
// Bytes that are not UTF-8 pass unharmed. Thread-safe: no state.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "text/json_fields.hpp"

namespace furrow::exec {

std::string checksummed_line(std::string_view json);
// The line of one object that is written member by member.
std::string checksummed_line(const std::function<void(text::JsonWriter& json)>& members);

// Passes each object at the beginning of TEXT to USE, up to the first line that is not whole. Returns how many
// bytes those lines have.
std::size_t read_checksummed(std::string_view text,
                             const std::function<void(const text::JsonValue& object)>& use);

}  // namespace furrow::exec
