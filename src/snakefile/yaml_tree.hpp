// A YAML document as a tree, before merge keys and equal keys are resolved. Throws YAML::Exception.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "snakefile/yaml_scalar.hpp"

namespace furrow::snakefile {

struct YamlNode {
  enum class Kind : std::uint8_t { kScalar, kSequence, kMapping };
  Kind kind = Kind::kScalar;
  ScalarKind scalar = ScalarKind::kNull;
  bool is_merge = false;              // a plain <<
  bool is_open = false;               // its end has not been read yet
  std::string text{};                 // of a scalar, as written
  std::string json{};                 // of a scalar
  std::vector<YamlNode*> children{};  // of a mapping: key, value, key, value, ...
  YAML::Mark mark{};
};

// Owns its nodes. A node that several aliases name exists once.
class YamlTree final : public YAML::EventHandler {
 public:
  const YamlNode* root() const { return root_; }  // nullptr: an empty document

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

 private:
  YamlNode& add(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor);
  void put(YamlNode* node);
  void close();

  std::deque<YamlNode> nodes_;
  std::vector<YamlNode*> open_;
  std::map<YAML::anchor_t, YamlNode*> anchors_;
  YamlNode* root_ = nullptr;
};

// Reads the single document of TEXT.
void read_document(std::string_view text, YamlTree& tree);

}  // namespace furrow::snakefile
