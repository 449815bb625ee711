#include "workflow/dag/missing_hints.hpp"

#include <algorithm>

#include "os/files/files.hpp"

namespace furrow::workflow {

namespace {

constexpr std::size_t kMaxName = 1000;

bool is_known(const std::string& name, const RuleIndex& index) {
  std::vector<Candidate> candidates;
  index.find(name, candidates);
  return !candidates.empty() || os::status(name).kind == os::FileStatus::Kind::kFile;
}

// "x.txty.txt": what ends the name also stands within it, and no separator follows there.
std::pair<std::string, std::string> joined_at_extension(const std::string& name) {
  const std::size_t dot = name.find('.', name.rfind('/') == std::string::npos ? 0 : name.rfind('/'));
  for (std::size_t begin = name.rfind('.'); begin != std::string::npos && begin > 0 && begin >= dot;
       begin = name.rfind('.', begin - 1)) {
    const std::string end = name.substr(begin);
    const std::size_t found = name.find(end);
    const std::size_t after = found + end.size();
    if (end.size() < 3 || found == 0 || found >= begin || after >= begin) continue;
    if (std::string_view("./_-").find(name[after]) != std::string_view::npos) continue;
    return {name.substr(0, after), name.substr(after)};
  }
  return {};
}

}  // namespace

std::pair<std::string, std::string> folder_above(const std::string& name, const RuleIndex& index,
                                                 const RuleSet& rules) {
  std::vector<Candidate> candidates;
  for (std::string folder = os::parent_of(name); !folder.empty() && folder != "/";
       folder = os::parent_of(folder)) {
    index.find(folder, candidates);
    for (const Candidate& candidate : candidates) {
      const CompiledRule& rule = rules[candidate.rule];
      const auto makes_it = [&](const Template& output) {
        return (output.flags & kDirectory) && output.filled(candidate.values) == folder;
      };
      if (std::any_of(rule.outputs.begin(), rule.outputs.end(), makes_it)) return {folder, rule.rule.name};
    }
  }
  return {};
}

std::pair<std::string, std::string> joined_names(const std::string& name, const RuleIndex& index) {
  for (std::size_t at = 1; at < std::min(name.size(), kMaxName); ++at) {
    const std::string first = name.substr(0, at), second = name.substr(at);
    // A name rarely begins with a slash or ends before one.
    if (first.back() == '/' || second.front() == '/') continue;
    if (is_known(first, index) && is_known(second, index)) return {first, second};
  }
  return joined_at_extension(name);
}

}  // namespace furrow::workflow
