// The meaning of a plain scalar of YAML 1.1, as PyYAML resolves it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace furrow::snakefile {

enum class ScalarKind : std::uint8_t { kNull, kBool, kInteger, kFloat, kTime, kText };

ScalarKind kind_of_scalar(std::string_view text);

// TEXT, which is of kind KIND, as JSON. A date or time stays a text. Decimal integers may have any number of digits; others must fit in 64
// bits.
std::optional<std::string> scalar_to_json(ScalarKind kind, std::string_view text);

}  // namespace furrow::snakefile
