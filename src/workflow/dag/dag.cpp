#include "workflow/dag/dag.hpp"

#include <algorithm>

namespace furrow::workflow {

std::vector<std::string_view> Dag::values(NodeId id, const RuleSet& rules) const {
  const std::size_t count = rules[nodes_[id].rule].wildcards.size();
  std::vector<std::string_view> texts(count);
  for (std::size_t i = 0; i < count; ++i) texts[i] = values_text_.view(values_[nodes_[id].first_value + i]);
  return texts;
}

FileFlags Dag::output_flags(FileId file, const RuleSet& rules) const {
  const NodeId node = producer(file);
  if (node == kNoNode) return 0;
  const auto made = outputs(node, rules);
  const auto place = std::find(made.begin(), made.end(), file);
  if (place == made.end()) return 0;  // a log of its
  return rules[nodes_[node].rule].outputs[static_cast<std::size_t>(place - made.begin())].flags;
}

namespace {
constexpr std::string_view kOtherName = "././", kOtherAbsoluteName = "/./.";  // of the same length
}

std::string name_before_update(std::string_view path) {
  return std::string(path.starts_with('/') ? kOtherAbsoluteName : kOtherName) + std::string(path);
}

std::string_view plain_name(std::string_view path, FileFlags flags) {
  if (flags & kBeforeUpdate) path.remove_prefix(kOtherName.size());
  return path;
}

const std::vector<FileId>* Dag::awaited(NodeId node) const {
  for (const Unanswered* open : {&unanswered_, &set_aside_}) {
    if (const auto found = open->find(node); found != open->end()) return &found->second;
  }
  return nullptr;
}

const std::vector<Shape>* Dag::shape(NodeId id) const {
  const auto found = shapes_.find(id);
  return found == shapes_.end() ? nullptr : &found->second;
}

}  // namespace furrow::workflow
