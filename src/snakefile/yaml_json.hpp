// Converts YAML and JSON files to JSON text, with the types that PyYAML would give (YAML 1.1): yes and on are
// true, 0x1f and 1_000 are numbers, 1e5 is a string, a date is a string. Anchors, aliases and merge keys are
// resolved; the last of equal keys counts.
//
// A document that refers to itself, or that expands beyond kMaxYamlValues through its aliases, is an error.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "text/json.hpp"

namespace furrow::snakefile {

constexpr std::size_t kMaxYamlValues = 10'000'000;

// JSON keys are always text. kText writes a key 1 as "1"; kPairs writes a mapping with such a key as
// {"__pairs__": [[1, value], ...]}.
enum class Keys : std::uint8_t { kText, kPairs };

// TEXT as JSON text; unchanged if it is JSON already. FILE is for errors.
Result<std::string> yaml_to_json(std::string_view text, const std::string& file, Keys keys = Keys::kText);
Result<std::string> yaml_file_to_json(const std::string& path, Keys keys = Keys::kText);

// A parsed file, such as a profile.
Result<text::JsonDocument> read_yaml(const std::string& path);

// The KEY=VALUE arguments of --config as one JSON object. Numbers and booleans have the types they look like;
// a value may be YAML.
Result<std::string> config_of(std::span<const std::string> arguments);

}  // namespace furrow::snakefile
