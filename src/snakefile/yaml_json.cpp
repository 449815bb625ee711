#include "snakefile/yaml_json.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <unordered_map>

#include "os/files/files.hpp"
#include "snakefile/yaml_tree.hpp"

namespace furrow::snakefile {

using text::to_text;

namespace {

using Pairs = std::vector<std::pair<const YamlNode*, const YamlNode*>>;

// Of the JSON that is written; the configuration of the command line stands in one object more.
constexpr int kMaxNesting = text::kMaxDepth - 1;
constexpr int kNestingOfPairs = 3;  // {"__pairs__":[[key,value]]}

// Writes a tree as JSON. A node that several aliases name is written each time, so all values are counted.
class TreeWriter {
 public:
  enum class Scalars : std::uint8_t { kTyped, kText };
  explicit TreeWriter(Keys keys, Scalars scalars = Scalars::kTyped) : keys_(keys), scalars_(scalars) {}

  std::string write_document(const YamlNode* root) {
    if (!root) return "null";
    write(*root, 0);
    return std::move(out_);
  }

 private:
  void count(const YamlNode& node, int depth) {
    if (++values_ > kMaxYamlValues)
      throw YAML::ParserException(node.mark, "the document is too large once its aliases are followed");
    if (depth >= kMaxNesting) throw YAML::ParserException(node.mark, "the document is nested too deeply");
  }

  void write(const YamlNode& node, int depth) {
    count(node, depth);
    if (node.kind == YamlNode::Kind::kScalar) {
      out_ += scalars_ == Scalars::kTyped ? json_of(node) : *scalar_to_json(ScalarKind::kText, node.text);
    } else if (node.kind == YamlNode::Kind::kSequence) {
      write_sequence(node, depth);
    } else {
      write_mapping(node, depth);
    }
  }

  // JSON has no dates. Where the reader knows how to ask for pairs, it also knows a date by its key.
  std::string json_of(const YamlNode& scalar) const {
    const bool is_time = scalar.scalar == ScalarKind::kTime && keys_ == Keys::kPairs;
    return is_time ? "{\"__time__\":" + scalar.json + "}" : scalar.json;
  }

  void write_sequence(const YamlNode& node, int depth) {
    char before = '[';
    for (const YamlNode* child : node.children) {
      out_ += before;
      write(*child, depth + 1);
      before = ',';
    }
    out_ += before == '[' ? "[]" : "]";
  }

  void write_mapping(const YamlNode& node, int depth) {
    const Pairs pairs = without_repeats(flatten(node, depth));
    const bool as_pairs =
        keys_ == Keys::kPairs && std::any_of(pairs.begin(), pairs.end(), [](const auto& pair) {
          return pair.first->scalar != ScalarKind::kText;
        });
    out_ += as_pairs ? "{\"__pairs__\":[" : "{";
    bool first = true;
    for (const auto& [key, value] : pairs) {
      if (!first) out_ += ',';
      first = false;
      if (as_pairs) out_ += '[';
      out_ += as_pairs ? json_of(*key) : text_key(*key);
      out_ += as_pairs ? ',' : ':';
      write(*value, depth + (as_pairs ? kNestingOfPairs : 1));
      if (as_pairs) out_ += ']';
    }
    out_ += as_pairs ? "]}" : "}";
  }

  static std::string text_key(const YamlNode& key) {
    return key.scalar == ScalarKind::kText
               ? key.json
               : *scalar_to_json(ScalarKind::kText, key.text.empty() ? "null" : key.text);
  }

  // The mapping's members. Those of merge keys come first, so that the mapping's own win; in a list of merged
  // mappings the first wins.
  Pairs flatten(const YamlNode& node, int depth) {
    count(node, depth);
    Pairs merged, own;
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      const YamlNode& key = *node.children[i];
      const YamlNode& value = *node.children[i + 1];
      if (key.kind != YamlNode::Kind::kScalar)
        throw YAML::ParserException(key.mark, "a key must be a text or a number");
      if (!key.is_merge) {
        count(key, depth);
        own.emplace_back(&key, &value);
      } else if (value.kind == YamlNode::Kind::kSequence) {
        for (auto part = value.children.rbegin(); part != value.children.rend(); ++part)
          merge(**part, depth, merged);
      } else {
        merge(value, depth, merged);
      }
    }
    merged.insert(merged.end(), own.begin(), own.end());
    return merged;
  }

  void merge(const YamlNode& part, int depth, Pairs& merged) {
    if (part.kind != YamlNode::Kind::kMapping)
      throw YAML::ParserException(part.mark, "<< must name a mapping, or a list of them");
    const Pairs pairs = flatten(part, depth + 1);
    values_ += pairs.size();
    merged.insert(merged.end(), pairs.begin(), pairs.end());
  }

  // Equal keys become one member: at the position of the first, with the value of the last.
  static Pairs without_repeats(Pairs pairs) {
    Pairs kept;
    kept.reserve(pairs.size());
    // The JSON of a text begins with a quote, so the kinds do not mix.
    std::unordered_map<std::string_view, std::size_t> places;
    for (const auto& pair : pairs) {
      const auto [place, is_new] = places.try_emplace(pair.first->json, kept.size());
      if (is_new) {
        kept.push_back(pair);
      } else {
        kept[place->second].second = pair.second;
      }
    }
    return kept;
  }

  Keys keys_;
  Scalars scalars_;
  std::string out_;
  std::size_t values_ = 0;
};

bool may_be_json(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
}

Error yaml_error(const YAML::Exception& thrown, const std::string& file) {
  Error error{thrown.msg, file};
  if (!thrown.mark.is_null()) error.line = thrown.mark.line + 1;
  return error;
}

std::string quoted(std::string_view text) { return *scalar_to_json(ScalarKind::kText, text); }

// Python reads 1_000 as 1000, as long as each underscore is between two digits. Other text stays as it is.
std::string without_separators(const std::string& digits) {
  if (digits.find_first_not_of("0123456789_") != std::string::npos || digits.starts_with('_') ||
      digits.ends_with('_') || digits.find("__") != std::string::npos)
    return digits;
  std::string plain = digits;
  std::erase(plain, '_');
  return plain;
}

// TEXT as JSON if Python's int() or float() would accept it, or if it is True or False; else empty.
std::optional<std::string> python_number(const std::string& text) {
  if (text == "True") return "true";
  if (text == "False") return "false";
  if (text.empty() || std::isspace(static_cast<unsigned char>(text.front()))) return std::nullopt;
  std::string digits = text;
  if (digits[0] == '+' || digits[0] == '-') digits.erase(0, 1);
  digits = without_separators(digits);
  const bool has_digit = digits.find_first_of("0123456789") != std::string::npos;
  if (has_digit && digits.find_first_not_of("0123456789") == std::string::npos) {
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
    return (text[0] == '-' && digits != "0" ? "-" : "") + digits;
  }
  if (!has_digit || digits.find_first_not_of("0123456789.eE+-") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size() || !std::isfinite(value)) return std::nullopt;
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  json.Double(value);
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace

Result<std::string> yaml_to_json(std::string_view text, const std::string& file, Keys keys) {
  Error json_error;
  if (may_be_json(text)) {
    auto json = text::JsonDocument::parse(std::string(text), "the file");
    if (json) return std::string(text);
    json_error = json.error();
    json_error.file = file;
  }
  try {
    YamlTree tree;
    read_document(text, tree);
    return TreeWriter(keys).write_document(tree.root());
  } catch (const YAML::Exception& thrown) {
    if (file.ends_with(".json") && !json_error.message.empty()) return fail(std::move(json_error));
    return fail(yaml_error(thrown, file));
  }
}

Result<std::string> yaml_file_to_json(const std::string& path, Keys keys) {
  const auto text = FURROW_TRY(os::read_file(path));
  return yaml_to_json(text, path, keys);
}

Result<text::JsonDocument> read_yaml(const std::string& path) {
  auto json = FURROW_TRY(yaml_file_to_json(path));
  return text::JsonDocument::parse(std::move(json), path);
}

namespace {

// A value of --config: a number, True or False; else YAML in which all scalars are text; else text.
std::string config_value(const std::string& text) {
  if (text.empty()) return "null";
  if (auto number = python_number(text)) return *number;
  if (text.find_first_of("[{:\n'\"") == std::string::npos) return quoted(text);
  try {
    YamlTree tree;
    read_document(text, tree);
    if (tree.root()) return TreeWriter(Keys::kText, TreeWriter::Scalars::kText).write_document(tree.root());
  } catch (const YAML::Exception&) {
  }
  return quoted(text);
}

}  // namespace

namespace {

// Stores VALUE under KEY of OBJECT. Mappings are merged, since several arguments may give parts of one.
void put_merged(rapidjson::Value& object, rapidjson::Value& key, rapidjson::Value& value,
                rapidjson::Document::AllocatorType& allocator) {
  const auto known = object.FindMember(key);
  if (known == object.MemberEnd()) {
    object.AddMember(key, value, allocator);
  } else if (known->value.IsObject() && value.IsObject()) {
    for (auto& member : value.GetObject()) put_merged(known->value, member.name, member.value, allocator);
  } else {
    known->value = value;
  }
}

// A value of the configuration as JSON. It is parsed only to be merged: a parsed number has 64 bits.
class ConfigValue {
 public:
  Result<void> put(std::string json) {
    if (!is_mapping(json) || !is_mapping(json_)) {
      json_ = std::move(json);
      return {};
    }
    rapidjson::Document all, more(&all.GetAllocator());
    all.Parse(json_.data(), json_.size());
    more.Parse(json.data(), json.size());
    if (all.HasParseError() || more.HasParseError()) return fail("the value cannot be read");
    for (auto& member : more.GetObject()) put_merged(all, member.name, member.value, all.GetAllocator());
    json_ = to_text(all);
    return {};
  }
  const std::string& json() const { return json_; }

 private:
  // All scalars within a mapping are texts, so nothing is lost when it is parsed.
  static bool is_mapping(const std::string& json) { return json.starts_with('{'); }

  std::string json_;
};

}  // namespace

Result<std::string> config_of(std::span<const std::string> arguments) {
  std::vector<std::pair<std::string, ConfigValue>> config;  // in the order of the arguments
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    const std::string key = argument.substr(0, equals);
    const bool named = !key.empty() && (std::isalpha(static_cast<unsigned char>(key[0])) || key[0] == '_');
    if (equals == std::string::npos || !named) {
      return fail(Error{"--config takes NAME=VALUE, not \"" + argument + "\"", "", 0,
                        "A name begins with a letter or an underscore."});
    }
    auto known =
        std::find_if(config.begin(), config.end(), [&](const auto& each) { return each.first == key; });
    if (known == config.end()) known = config.insert(known, {key, {}});
    if (auto put = known->second.put(config_value(argument.substr(equals + 1))); !put)
      return fail("--config " + key + ": " + put.error().message);
  }
  std::string json;
  for (const auto& [key, value] : config)
    json += (json.empty() ? "" : ",") + quoted(key) + ":" + value.json();
  return "{" + json + "}";
}

}  // namespace furrow::snakefile
