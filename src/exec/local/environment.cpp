#include "exec/local/environment.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "os/files/files.hpp"
#include "os/process/job_cookie.hpp"

namespace furrow::exec {

namespace {

constexpr std::string_view kFunction = "BASH_FUNC_";  // BASH_FUNC_name%%=() { ...
constexpr std::string_view kUsualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

bool is_here(const char* folder) {
  struct stat there, here;
  return folder != nullptr && folder[0] == '/' && ::stat(folder, &there) == 0 && ::stat(".", &here) == 0 &&
         there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

}  // namespace

Environment::Environment(const std::string& run) {
  const char* const pwd = std::getenv("PWD");
  directory_ = is_here(pwd) ? pwd : os::current_directory();
  path_ = kUsualPath;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry, name = name_of(text);
    if (name == "PWD" || (!run.empty() && os::is_cookie_entry(text))) continue;
    if (name == "PATH") path_ = text.substr(5);
    if (name == "BASH_ENV" || name == "ENV") has_startup_file_ = true;
    if (name.starts_with(kFunction))
      functions_.emplace_back(name.substr(kFunction.size(), name.rfind('%') - kFunction.size() - 1));
    base_.emplace_back(text);
  }
  if (!directory_.empty()) base_.push_back("PWD=" + directory_);
  if (!run.empty()) base_.push_back(os::cookie_entry(run, os::kTagWithoutSlot));
  for (std::string& entry : base_) base_block_.push_back(entry.data());
  base_block_.push_back(nullptr);
  if (!run.empty()) tag_digits_ = base_.back().data() + base_.back().size() - os::kTagDigits;
}

void Environment::set_tag(std::uint64_t tag) {
  if (tag_digits_ != nullptr) os::write_tag(tag_digits_, tag);
}

char* const* Environment::block(const Additions& additions, const Names& removed,
                                const std::string& directory) {
  if (additions.empty() && removed.empty() && directory.empty()) return base_block_.data();
  if (!changes_same_names(additions, removed, directory)) keep_others(additions, removed, directory);
  added_.resize(names_.size());
  auto entry = added_.begin();
  if (!directory.empty())
    *entry++ = "PWD=" + (directory.front() == '/' ? directory : directory_ + "/" + directory);
  for (const auto& [name, value] : additions) entry++->assign(name).append("=").append(value);
  block_.resize(kept_);
  for (std::string& text : added_) block_.push_back(text.data());
  block_.push_back(nullptr);
  return block_.data();
}

// True for most calls: the jobs of a run mostly add the same names.
bool Environment::changes_same_names(const Additions& additions, const Names& removed,
                                     const std::string& directory) const {
  const std::size_t first = directory.empty() ? 0 : 1;
  if (names_.size() != first + additions.size() || (first == 1 && names_.front() != "PWD")) return false;
  return removed == removed_ &&
         std::equal(additions.begin(), additions.end(), names_.begin() + static_cast<std::ptrdiff_t>(first),
                    [](const auto& addition, const std::string& name) { return addition.first == name; });
}

void Environment::keep_others(const Additions& additions, const Names& removed,
                              const std::string& directory) {
  names_.clear();
  removed_ = removed;
  if (!directory.empty()) names_.push_back("PWD");
  for (const auto& [name, value] : additions) names_.push_back(name);
  block_.assign(base_block_.begin(), base_block_.end() - 1);
  std::erase_if(block_, [&](const char* entry) {
    const auto is_named = [&](const Names& names) {
      return std::find(names.begin(), names.end(), name_of(entry)) != names.end();
    };
    return is_named(names_) || is_named(removed_);
  });
  kept_ = block_.size();
}

std::string_view Environment::path(const Additions& additions) const {
  for (const auto& [name, value] : additions) {
    if (name == "PATH") return value;
  }
  return path_;
}

bool Environment::changes_shell(std::string_view name, const Additions& additions) const {
  for (const auto& [added, value] : additions) {
    if (added == "BASH_ENV" || added == "ENV" || added.starts_with(kFunction)) return true;
  }
  return has_startup_file_ || std::find(functions_.begin(), functions_.end(), name) != functions_.end();
}

}  // namespace furrow::exec
