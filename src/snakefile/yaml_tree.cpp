#include "snakefile/yaml_tree.hpp"

#include <yaml-cpp/parser.h>

#include <sstream>

namespace furrow::snakefile {

namespace {

constexpr std::string_view kStandardTag = "tag:yaml.org,2002:";

[[noreturn]] void reject_tag(const YAML::Mark& mark, const std::string& tag) {
  throw YAML::ParserException(mark, "the tag " + tag + " is not supported");
}

void check_collection_tag(const YAML::Mark& mark, const std::string& tag, std::string_view name) {
  if (tag.empty() || tag == "?" || tag == "!") return;
  if (tag != std::string(kStandardTag) + std::string(name)) reject_tag(mark, tag);
}

// The tag "?" marks a plain scalar, "!" a quoted one.
ScalarKind kind_of_tagged(const YAML::Mark& mark, const std::string& tag, const std::string& value) {
  if (tag == "?" || tag.empty()) return kind_of_scalar(value);
  if (tag == "!") return ScalarKind::kText;
  if (!tag.starts_with(kStandardTag)) reject_tag(mark, tag);
  const std::string name = tag.substr(kStandardTag.size());
  const ScalarKind seen = kind_of_scalar(value);
  if (name == "str") return ScalarKind::kText;
  if (name == "timestamp") return seen == ScalarKind::kTime ? seen : ScalarKind::kText;
  if (name == "null") return ScalarKind::kNull;
  if (name == "bool" && seen == ScalarKind::kBool) return seen;
  if (name == "int" && seen == ScalarKind::kInteger) return seen;
  if (name == "float" && (seen == ScalarKind::kFloat || seen == ScalarKind::kInteger))
    return ScalarKind::kFloat;
  reject_tag(mark, tag);
}

}  // namespace

YamlNode& YamlTree::add(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
  YamlNode& node = nodes_.emplace_back();
  node.kind = kind;
  node.mark = mark;
  if (anchor != 0) anchors_[anchor] = &node;
  put(&node);
  return node;
}

void YamlTree::put(YamlNode* node) {
  if (open_.empty()) {
    root_ = node;
  } else {
    open_.back()->children.push_back(node);
  }
}

void YamlTree::close() {
  open_.back()->is_open = false;
  open_.pop_back();
}

void YamlTree::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  add(YamlNode::Kind::kScalar, mark, anchor).json = "null";
}

void YamlTree::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) throw YAML::ParserException(mark, "this alias names nothing");
  YamlNode* const node = found->second;
  if (node->is_open) throw YAML::ParserException(mark, "this alias makes the document contain itself");
  put(node);
}

void YamlTree::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                        const std::string& value) {
  const ScalarKind kind = kind_of_tagged(mark, tag, value);
  YamlNode& node = add(YamlNode::Kind::kScalar, mark, anchor);
  node.scalar = kind;
  node.text = value;
  node.is_merge = tag == "?" && value == "<<";
  std::optional<std::string> json = scalar_to_json(kind, value);
  if (!json) throw YAML::ParserException(mark, "this number cannot be read: " + value);
  node.json = std::move(*json);
}

void YamlTree::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                               YAML::EmitterStyle::value) {
  check_collection_tag(mark, tag, "seq");
  YamlNode& node = add(YamlNode::Kind::kSequence, mark, anchor);
  node.is_open = true;
  open_.push_back(&node);
}

void YamlTree::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                          YAML::EmitterStyle::value) {
  check_collection_tag(mark, tag, "map");
  YamlNode& node = add(YamlNode::Kind::kMapping, mark, anchor);
  node.is_open = true;
  open_.push_back(&node);
}

void read_document(std::string_view text, YamlTree& tree) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  if (!parser.HandleNextDocument(tree)) return;
  YamlTree further;
  if (parser.HandleNextDocument(further)) {
    const YAML::Mark mark = further.root() ? further.root()->mark : YAML::Mark::null_mark();
    throw YAML::ParserException(mark, "a second document begins here, but a file may hold only one");
  }
}

}  // namespace furrow::snakefile
