#include "workflow/jobs/shadow.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "os/files/files.hpp"

namespace furrow::workflow {

namespace fs = std::filesystem;

namespace {

Error error_of(const std::string& what, const std::error_code& code) {
  return Error{what + ": " + code.message()};
}

bool is_inside(const std::string& path) {
  return !path.empty() && path.front() != '/' && !path.starts_with("../");
}

Result<void> bring(const fs::path& root, const std::string& file, bool copy) {
  if (!is_inside(file)) return {};
  const fs::path place = root / file;
  std::error_code code;
  fs::create_directories(place.parent_path(), code);
  if (fs::exists(fs::symlink_status(place, code))) return {};
  code.clear();
  if (copy && fs::is_symlink(fs::symlink_status(file, code)) && !fs::exists(file, code)) {
    fs::copy_symlink(file, place, code);  // a dangling link has nothing else to copy
  } else if (copy) {
    code.clear();
    fs::copy(file, place, fs::copy_options::recursive, code);
  } else {
    fs::create_symlink(os::absolute(file), place, code);
  }
  if (code) return fail(error_of("cannot bring " + file + " into the shadow folder", code));
  return {};
}

// Everything in the current directory but the engine's own folder.
Result<void> bring_all(const fs::path& root, bool copy, const std::vector<std::string>& absent) {
  auto entries = FURROW_TRY(os::list_directory(""));
  for (const os::DirectoryEntry& entry : entries) {
    if (entry.name == ".furrow" || entry.name == ".snakemake") continue;
    if (std::find(absent.begin(), absent.end(), entry.name) != absent.end()) continue;
    FURROW_TRY(bring(root, entry.name, copy));
  }
  return {};
}

// A folder that is a link would let the job write into the original. Replaces the links on the way to FILE by
// folders of links to their entries.
void open_up(const fs::path& root, const std::string& file) {
  std::error_code code;
  fs::path original;
  for (const fs::path& part : fs::path(file).parent_path()) {
    original /= part;
    const fs::path place = root / original;
    if (!fs::is_symlink(fs::symlink_status(place, code))) continue;
    fs::remove(place, code);
    fs::create_directories(place, code);
    for (fs::directory_iterator entry(original, code), end; !code && entry != end; entry.increment(code))
      fs::create_symlink(os::absolute(entry->path().native()), place / entry->path().filename(), code);
  }
}

// Whether FILE lies in a folder that is a link, and so is the original.
bool is_behind_link(const fs::path& root, const std::string& file) {
  std::error_code code;
  fs::path place = root;
  for (const fs::path& part : fs::path(file).parent_path()) {
    if (fs::is_symlink(fs::symlink_status(place /= part, code))) return true;
  }
  return false;
}

// A link into the shadow folder would dangle once the folder is removed. Makes it point to the same path
// outside.
void redirect(const fs::path& link, const std::string& root) {
  std::error_code code;
  const fs::path target = fs::read_symlink(link, code);
  if (code || !target.native().starts_with(root + "/")) return;
  fs::remove(link, code);
  fs::create_symlink(os::absolute(target.native().substr(root.size() + 1)), link, code);
}

}  // namespace

Result<std::unique_ptr<Shadow>> Shadow::make(const std::string& kind, const std::string& path,
                                             const std::vector<std::string>& inputs,
                                             const std::vector<std::string>& products,
                                             const std::vector<std::string>& absent) {
  FURROW_TRY(os::remove_tree(path));
  FURROW_TRY(os::make_directories(path));
  std::unique_ptr<Shadow> shadow(new Shadow(path));
  const bool copy = kind == "full" || kind == "copy-minimal";
  if (kind == "shallow" || kind == "full") {
    FURROW_TRY(bring_all(path, copy, absent));
    for (const std::string& product : products) {
      if (is_inside(product)) open_up(path, product);
    }
    for (const std::string& output : absent) {
      if (!is_inside(output) || is_behind_link(path, output)) continue;
      FURROW_TRY(os::remove_tree((fs::path(path) / output).native()));
    }
  } else {
    for (const std::string& input : inputs) {
      FURROW_TRY(bring(path, input, copy));
    }
  }
  for (const std::string& product : products) {
    if (!is_inside(product)) continue;
    std::error_code code;
    fs::create_directories((fs::path(path) / product).parent_path(), code);
    if (code) return fail(error_of("cannot make the folder of " + product + " in the shadow folder", code));
  }
  return shadow;
}

Result<void> Shadow::bring_old(const std::string& file) const {
  if (!is_inside(file) || !os::status(file).exists()) return {};
  FURROW_TRY(os::remove_tree((fs::path(path_) / file).native()));
  return bring(path_, file, true);
}

Shadow::~Shadow() { (void)os::remove_tree(path_); }

Result<void> Shadow::move_out(const std::vector<std::string>& products) const {
  for (const std::string& product : products) {
    const fs::path from = fs::path(path_) / product;
    std::error_code code;
    if (!is_inside(product) || !fs::exists(fs::symlink_status(from, code)) ||
        fs::equivalent(from, product, code))
      continue;
    FURROW_TRY(os::remove_tree(product));
    if (fs::is_symlink(fs::symlink_status(from, code))) redirect(from, path_);
    code.clear();
    fs::rename(from, product, code);
    if (code == std::errc::cross_device_link) {
      code.clear();
      fs::copy(from, product, fs::copy_options::recursive | fs::copy_options::copy_symlinks, code);
    }
    if (code) return fail(error_of("cannot move " + product + " out of the shadow folder", code));
  }
  return {};
}

}  // namespace furrow::workflow
