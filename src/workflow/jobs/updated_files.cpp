#include "workflow/jobs/updated_files.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "base/hash.hpp"

namespace furrow::workflow {

namespace fs = std::filesystem;

namespace {

constexpr const char* kNone = ".none";  // stands beside the place of a copy: there was no file

Error cannot(const char* what, const std::string& path, const std::error_code& code) {
  return Error{fmt::format("cannot {} {}, an output flagged update(): {}", what, path, code.message())};
}

}  // namespace

UpdatedFiles::UpdatedFiles(const Dag& dag, const RuleSet& rules, std::string folder)
    : dag_(dag), rules_(rules), folder_(std::move(folder)) {}

std::string UpdatedFiles::copy_of(const std::string& path) const {
  return fmt::format("{}/{:016x}", folder_, hash64(path));
}

template <class Function>
Result<void> UpdatedFiles::each(NodeId node, Function function) const {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  for (std::size_t i = 0; i < rule.outputs.size(); ++i) {
    if (!(rule.outputs[i].flags & kUpdate)) continue;
    FURROW_TRY(function(std::string(dag_.files.view(dag_.outputs(node, rules_)[i]))));
  }
  return {};
}

Result<void> UpdatedFiles::keep(NodeId node) {
  return each(node, [this](const std::string& path) -> Result<void> {
    FURROW_TRY(bring_back(path));  // an engine that was killed has left the copy
    const std::string copy = copy_of(path), part = copy + ".part";
    FURROW_TRY(os::make_directories(folder_));
    if (!os::status(path).exists()) return os::write_file(copy + kNone, "");
    std::error_code code;
    fs::remove_all(part, code);
    fs::copy(path, part, fs::copy_options::recursive | fs::copy_options::copy_symlinks, code);
    if (!code) fs::rename(part, copy, code);
    if (code) return fail(cannot("keep a copy of", path, code));
    return {};
  });
}

Result<void> UpdatedFiles::bring_back(const std::string& path) const {
  const std::string copy = copy_of(path);
  const bool is_kept = os::status(copy).exists();
  if (!is_kept && !os::status(copy + kNone).exists()) return {};
  FURROW_TRY(os::remove_tree(path));
  std::error_code code;
  if (is_kept) {
    fs::copy(copy, path, fs::copy_options::recursive | fs::copy_options::copy_symlinks, code);
    if (!code) fs::last_write_time(path, fs::last_write_time(copy, code), code);
    if (code) return fail(cannot("bring back", path, code));
    fs::remove_all(copy, code);
  }
  fs::remove(copy + kNone, code);
  return {};
}

Result<void> UpdatedFiles::restore(NodeId node) {
  return each(node, [this](const std::string& path) { return bring_back(path); });
}

void UpdatedFiles::forget(NodeId node) {
  (void)each(node, [this](const std::string& path) -> Result<void> {
    std::error_code code;
    fs::remove_all(copy_of(path), code);
    fs::remove(copy_of(path) + kNone, code);
    return {};
  });
}

}  // namespace furrow::workflow
