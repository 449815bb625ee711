#include "workflow/rules/glob.hpp"

#include <filesystem>
#include <set>

#include "os/files/files.hpp"
#include "workflow/rules/pattern.hpp"

namespace furrow::workflow {

namespace {

class Walk {
 public:
  Walk(const Pattern& pattern, bool follow_links, GlobMatches& matches)
      : pattern_(pattern), follow_links_(follow_links), matches_(matches) {}

  void folder(const std::string& path, const std::string& shown) {
    if (follow_links_ && !enter(path)) return;
    auto entries = os::list_directory(path);
    if (!entries) return;
    for (const os::DirectoryEntry& entry : *entries) {
      const std::string name =
          shown.empty() ? entry.name : shown + (shown.back() == '/' ? "" : "/") + entry.name;
      if (pattern_.match(name, values_)) matches_.values.emplace_back(values_.begin(), values_.end());
      if (entry.is_directory && (follow_links_ || !entry.is_link)) folder(name, name);
    }
    if (follow_links_) open_.erase(identity(path));
  }

 private:
  static std::string identity(const std::string& path) {
    std::error_code code;
    return std::filesystem::canonical(path.empty() ? "." : path, code).native();
  }
  bool enter(const std::string& path) { return open_.insert(identity(path)).second; }

  const Pattern& pattern_;
  bool follow_links_;
  GlobMatches& matches_;
  std::vector<std::string_view> values_;
  std::set<std::string> open_;  // folders that the walk is in
};

// As Python's os.path.normpath: no ".", no double or trailing slashes, ".." resolved without looking at
// links.
std::string normal_pattern(const std::string& pattern) {
  std::string normal = std::filesystem::path(pattern).lexically_normal().native();
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

}  // namespace

Result<GlobMatches> glob_wildcards(const std::string& text, bool follow_links) {
  auto pattern = Pattern::parse(normal_pattern(text), {});
  if (!pattern) return fail(std::move(pattern.error()));
  GlobMatches matches;
  matches.names = pattern->wildcards();
  const std::string start = os::parent_of(pattern->prefix());
  Walk(*pattern, follow_links, matches).folder(start, start);
  return matches;
}

}  // namespace furrow::workflow
