// YAML and JSON files -> JSON text, with the types that PyYAML would give (YAML 1.1): yes and on are true,
// 0x1f and 1_000 are numbers, 1e5 is a string, a date is a string. Anchors, aliases and merge keys are
// resolved; of equal keys the last one holds.
//
// A document that refers to itself, or that its aliases blow up beyond kMaxYamlValues, is an error.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "snakefile/json.hpp"

namespace furrow::snakefile {

constexpr std::size_t kMaxYamlValues = 10'000'000;

// JSON has text keys only. What to do with a key 1: write "1", or the whole mapping as {"__pairs__": [[1,
// value], ...]}.
enum class Keys : std::uint8_t { kText, kPairs };

// TEXT as JSON text; where it is JSON already, as it stands. FILE is for errors.
Result<std::string> yaml_to_json(std::string_view text, const std::string& file, Keys keys = Keys::kText);
Result<std::string> yaml_file_to_json(const std::string& path, Keys keys = Keys::kText);

// A file's content to look around in: a profile, say.
Result<JsonDocument> read_yaml(const std::string& path);

// The "KEY=VALUE" arguments of --config as one JSON object: numbers and booleans are what they look like, a
// value may be YAML.
Result<std::string> config_of(std::span<const std::string> arguments);

}  // namespace furrow::snakefile
