#include "report/crate/crate_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "os/files/files.hpp"
#include "report/crate/copied_file.hpp"
#include "report/crate/iri.hpp"

namespace furrow::report {

namespace {

using Kind = os::FileStatus::Kind;

bool is_inside(const std::string& path) { return !path.starts_with('/'); }

// Whether PATH is FOLDER, or in it.
bool is_in(const std::string& path, const std::string& folder) {
  return path.starts_with(folder) &&
         (path.size() == folder.size() || folder.ends_with('/') || path[folder.size()] == '/');
}

// Whether two stamps of a file are of the same content, as far as they can tell.
bool is_same(const store::FileStamp& a, const store::FileStamp& b) {
  if (a.size != b.size) return false;
  if (a.content != 0 && b.content != 0) return a.content == b.content;
  return store::is_same_time(a.mtime_ns, b.mtime_ns) || store::is_same_time(b.mtime_ns, a.mtime_ns);
}

// Whether the file is still as the stamp says. Its content is read only if its time has changed.
bool fits(const store::FileStamp& stamp, const os::FileStatus& now, const std::string& path) {
  if (now.size != stamp.size) return false;
  if (store::is_same_time(stamp.mtime_ns, now.newest_ns())) return true;
  return stamp.content != 0 && os::hash_file(path).value_or(0) == stamp.content;
}

// Clocks of machines that share a folder differ by less.
constexpr double kClocks_s = 2;

// What programs look for in the root of a crate.
bool is_reserved(const std::string& path) {
  return path == "ro-crate-metadata.json" || path == "ro-crate-preview.html" ||
         is_in(path, "ro-crate-preview_files");
}

}  // namespace

// ---- adding

std::string CrateFiles::full(const std::string& path) const {
  return path.starts_with('/') ? path : options_.folder + "/" + path;
}

std::string CrateFiles::known_path(const std::string& path) const {
  const std::string absolute = os::absolute(full(path));
  if (absolute == options_.folder || !is_in(absolute, options_.folder)) return absolute;
  return absolute.substr(options_.folder.size() + (options_.folder.ends_with('/') ? 0 : 1));
}

std::uint32_t CrateFiles::add_version(const std::string& path, Version version) {
  const auto [place, is_new] =
      path_numbers_.try_emplace(known_path(path), static_cast<std::uint32_t>(paths_.size()));
  if (is_new) paths_.push_back({place->first, {}});
  std::vector<std::uint32_t>& versions = paths_[place->second].versions;
  for (const std::uint32_t number : versions) {
    Version& known = versions_[number];
    if (!is_same(known.stamp, version.stamp)) continue;
    if (known.is_made == version.is_made) {
      known.known_until = std::max(known.known_until, version.known_until);
    } else if (version.is_made) {
      known.known_until = version.known_until;
    }
    known.is_made |= version.is_made;
    known.is_source |= version.is_source;
    if (known.stamp.content == 0) known.stamp.content = version.stamp.content;
    return number;
  }
  versions.push_back(static_cast<std::uint32_t>(versions_.size()));
  versions_.push_back(std::move(version));
  return versions.back();
}

std::uint32_t CrateFiles::add(const store::FileStamp& stamp, bool is_made, double ended_at) {
  return add_version(stamp.path, {{"", stamp.mtime_ns, stamp.size, stamp.content}, is_made, false, ended_at});
}

std::uint32_t CrateFiles::add_source(const SourceFile& source) {
  return add_version(source.path, {{"", source.mtime_ns, source.size, source.content}, false, true});
}

// ---- what is there

Result<void> CrateFiles::look(const std::function<bool()>& stops) {
  for (const Path& path : paths_) look_at(path);
  for (const Path& path : paths_) {
    if (files_[current_.at(path.path)].is_folder) look_into(path);
  }
  place_files();
  FURROW_TRY(make_folders());
  FURROW_TRY(take_contents(stops));
  name_files();
  return {};
}

std::uint32_t CrateFiles::add_file(const std::string& path, bool is_current) {
  const auto number = static_cast<std::uint32_t>(files_.size());
  files_.emplace_back().path = path;
  if (is_current) current_.emplace(path, number);
  return number;
}

void CrateFiles::look_at(const Path& path) {
  const std::string place = full(path.path);
  const os::FileStatus now = os::status(place);
  const bool is_folder = now.kind == Kind::kDirectory;
  std::optional<std::uint32_t> current;
  // What jobs have made first: it names the file that is there.
  for (const std::uint32_t number : path.versions) {
    Version& version = versions_[number];
    const bool is_there = is_folder || (now.kind == Kind::kFile && fits(version.stamp, now, place));
    const bool is_new_source = !is_there && version.is_source && now.kind == Kind::kFile;
    if ((is_there || is_new_source) && current) {
      version.file = *current;
    } else {
      version.file = add_file(path.path, is_there || is_new_source);
      if (is_there || is_new_source) current = version.file;
    }
    CrateFile& file = files_[version.file];
    file.is_source |= version.is_source;
    file.is_folder = is_folder;
    file.has_new_content |= is_new_source;
    const bool is_as_used = is_there || is_new_source;
    file.size = is_folder ? -1 : is_as_used ? now.size : version.stamp.size;
    file.mtime_ns = is_as_used ? now.newest_ns() : version.stamp.mtime_ns;
    file.presence = is_as_used ? Presence::kLeftOut : now.exists() ? Presence::kChanged : Presence::kGone;
  }
  // The last that was there.
  if (!current) current_.emplace(path.path, versions_[path.versions.back()].file);
}

void CrateFiles::walk(const std::string& folder, Walk& found) const {
  const auto entries = os::list_directory(full(folder));
  if (!entries) {
    ++found.skipped;
    return;
  }
  for (const os::DirectoryEntry& entry : *entries) {
    const std::string path = folder + "/" + entry.name;
    if (full(path) == options_.crate) continue;
    if (!entry.is_directory) {
      found.files.push_back(path);
    } else if (entry.is_link) {
      ++found.skipped;
    } else {
      walk(path, found);
    }
  }
}

double CrateFiles::known_until(const Path& path) const {
  double made = 0, used = 0;
  for (const std::uint32_t number : path.versions) {
    const Version& version = versions_[number];
    double& until = version.is_made ? made : used;
    until = std::max(until, version.known_until);
  }
  return made > 0 ? made : used;
}

// Nobody has recorded what was in a folder. Files that are newer than the job are not what it has left there, unless they are
// of another job.
void CrateFiles::look_into(const Path& path) {
  const std::uint32_t folder = current_.at(path.path);
  if (is_in(options_.folder, full(path.path))) return;  // the workflow itself is in it
  Walk found;
  walk(path.path, found);
  const auto until_ns = static_cast<std::int64_t>((known_until(path) + kClocks_s) * 1e9);
  bool has_known = false, is_newer = false;
  for (const std::string& name : found.files) {
    const auto known = current_.find(name);
    std::uint32_t number = known == current_.end() ? 0 : known->second;
    has_known |= known != current_.end();
    if (known == current_.end()) {
      const os::FileStatus now = os::status(full(name));
      if (now.kind != Kind::kFile) {
        ++found.skipped;
        continue;
      }
      number = add_file(name, true);
      files_[number].size = now.size;
      files_[number].mtime_ns = now.newest_ns();
      files_[number].presence = Presence::kLeftOut;
      is_newer |= now.newest_ns() > until_ns;
    }
    if (!files_[number].is_there()) continue;
    files_[number].is_part = true;
    files_[folder].parts.push_back(number);
  }
  files_[folder].skipped = found.skipped;
  files_[folder].has_new_content = is_newer || (!has_known && files_[folder].mtime_ns > until_ns);
}

// ---- where it lies

// Sources that are not in the folder of the workflow keep their places to each other.
std::string CrateFiles::outside_place(const std::string& path) const {
  std::string common;
  bool is_first = true, is_taken = false;
  std::string root = "sources";
  for (const CrateFile& file : files_) {
    is_taken |= is_inside(file.path) && is_in(file.path, root);
    if (is_inside(file.path) || !file.is_source) continue;
    const std::string parent = os::parent_of(file.path);
    if (std::exchange(is_first, false)) common = parent;
    while (!is_in(parent, common)) common = os::parent_of(common);
  }
  if (is_taken) root = "sources-of-the-workflow";
  return root + path.substr(common == "/" ? 0 : common.size());
}

void CrateFiles::place_files() {
  for (CrateFile& file : files_) {
    file.is_readable = file.is_folder || !file.is_there() || ::access(full(file.path).c_str(), R_OK) == 0;
    const bool is_wanted = file.is_source || (!options_.is_slim && is_inside(file.path));
    if (!file.is_there() || !file.is_readable || !is_wanted || (file.is_folder && !is_inside(file.path)))
      continue;
    file.presence = Presence::kIncluded;
    if (!is_inside(file.path)) {
      file.place = outside_place(file.path);
    } else {
      file.place = is_reserved(file.path) ? "renamed/" + file.path : file.path;
    }
  }
}

Result<void> CrateFiles::make_folders() const {
  std::set<std::string> folders;
  for (const CrateFile& file : files_) {
    if (!file.place.empty()) folders.insert(file.is_folder ? file.place : os::parent_of(file.place));
  }
  for (const std::string& folder : folders) {
    if (!folder.empty()) FURROW_TRY(os::make_directories(options_.crate + "/" + folder));
  }
  return {};
}

// ---- contents

Result<void> CrateFiles::take_content(CrateFile& file) const {
  const std::string path = full(file.path), copy = options_.crate + "/" + file.place;
  const FileSum sum = FURROW_TRY(file.place.empty() ? sum_of(path) : copy_file(path, copy));
  const os::FileStatus now = os::status(path);
  if (!file.is_source && (now.size != file.size || now.newest_ns() != file.mtime_ns)) {
    // A run goes on and makes it anew.
    if (!file.place.empty()) ::unlink(copy.c_str());
    file.place.clear();
    file.presence = Presence::kChanged;
    return {};
  }
  file.sha256 = sum.sha256;
  file.size = sum.size;
  return {};
}

Result<void> CrateFiles::take_contents(const std::function<bool()>& stops) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> has_failed = false;
  std::mutex mutex;
  std::optional<Error> error;
  const auto work = [&] {
    for (std::size_t at = next++; at < files_.size() && !has_failed; at = next++) {
      CrateFile& file = files_[at];
      if (file.is_folder || !file.is_there() || !file.is_readable) continue;
      const Result<void> taken = stops() ? fail("interrupted") : take_content(file);
      if (taken) continue;
      const std::scoped_lock lock(mutex);
      has_failed = true;
      if (!error) error = taken.error();
    }
  };
  std::vector<std::jthread> helpers;
  for (unsigned helper = 1; helper < options_.threads; ++helper) helpers.emplace_back(work);
  work();
  helpers.clear();
  if (error) return fail(std::move(*error));
  return {};
}

// ---- names

void CrateFiles::name_files() {
  std::uint32_t earlier = 0;
  for (std::uint32_t at = 0; at < files_.size(); ++at) {
    CrateFile& file = files_[at];
    const auto current = current_.find(file.path);
    const bool is_current = current != current_.end() && current->second == at;
    if (!file.place.empty()) {
      file.id = path_iri(file.place);
    } else if (is_current) {
      file.id = "#file/" + path_iri(file.path);
    } else {
      file.id = "#earlier/" + std::to_string(++earlier) + "/" + path_iri(file.path);
    }
    if (file.is_folder && !file.id.ends_with('/')) file.id += '/';
  }
}

}  // namespace furrow::report
