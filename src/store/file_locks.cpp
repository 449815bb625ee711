#include "store/file_locks.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>
#include <unordered_set>

#include "base/hash.hpp"
#include "os/files/files.hpp"
#include "store/blocks.hpp"

namespace furrow::store {

namespace {

constexpr std::string_view kMagic = "furrow files 1\n";

enum class Kind : std::uint32_t {
  kOutputs = 1,
  kInputs = 2,
  kFolders = 3,
  kUsedFolders = 4,
  kAnyFile = 5,
};

// Relative to the folder of the store, so that a file has one name.
class Names {
 public:
  std::string_view of(std::string_view path) const {
    while (path.starts_with("./")) path.remove_prefix(2);
    if (!path.starts_with('/') || !path.starts_with(here_)) return path;
    return path.substr(here_.size());
  }
  std::uint64_t hash(std::string_view path) const { return hash64(of(path)); }

 private:
  const std::string here_ = os::current_directory() + "/";
};

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

bool has(const std::vector<std::uint64_t>& sorted, std::uint64_t hash) {
  return std::binary_search(sorted.begin(), sorted.end(), hash);
}

// The folders above some paths. Paths of one folder mostly follow each other.
class Folders {
 public:
  void add_above(std::string_view path) {
    std::string_view folder = folder_of(path);
    if (folder == last_) return;
    last_ = folder;
    for (; !folder.empty(); folder = folder_of(folder)) {
      const std::uint64_t hash = hash64(folder);
      if (!seen_.insert(hash).second) return;
      hashes_.push_back(hash);
    }
  }
  const std::vector<std::uint64_t>& hashes() const { return hashes_; }

 private:
  std::string_view last_;
  std::unordered_set<std::uint64_t> seen_;
  std::vector<std::uint64_t> hashes_;
};

void add(std::string& text, Kind kind, std::string_view body) {
  if (!body.empty()) append_block(text, static_cast<std::uint32_t>(kind), body);
}

}  // namespace

std::vector<OuterJob> OuterJob::all() {
  std::vector<OuterJob> jobs;
  const char* const value = std::getenv(kVariable);
  std::istringstream words(value != nullptr ? value : "");
  for (std::string word; words >> word;) {
    const std::size_t dot = word.find('.');
    OuterJob job;
    if (dot == std::string::npos) continue;
    job.run = word.substr(0, dot);
    std::from_chars(word.data() + dot + 1, word.data() + word.size(), job.key, 16);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

std::string OuterJob::variable_for(const std::string& run, std::string_view key) {
  char digits[17];
  const auto end = std::to_chars(digits, digits + sizeof digits, hash64(key), 16).ptr;
  const char* const outer = std::getenv(kVariable);
  std::string value = outer != nullptr && *outer != '\0' ? std::string(outer) + " " : std::string();
  return value.append(run).append(".").append(digits, end);
}

std::uint64_t FileLocks::hash_of(std::string_view path) { return Names().hash(path); }

std::string FileLocks::text_of(const FilesToLock& files, bool is_new) {
  const Names names;
  std::string text(is_new ? kMagic : "");
  std::vector<Output> outputs;
  std::vector<std::uint64_t> inputs, folders;
  Folders used;
  outputs.reserve(files.outputs.size());
  inputs.reserve(files.inputs.size());
  for (const OutputToLock& output : files.outputs) {
    const std::string_view path = names.of(output.path);
    outputs.push_back({hash64(path), hash64(output.key)});
    if (output.is_folder) folders.push_back(outputs.back().path);
    used.add_above(path);
  }
  for (const std::string_view input : files.inputs) {
    const std::string_view path = names.of(input);
    inputs.push_back(hash64(path));
    used.add_above(path);
  }
  add(text, Kind::kOutputs, bytes_of(outputs));
  add(text, Kind::kInputs, bytes_of(inputs));
  add(text, Kind::kFolders, bytes_of(folders));
  add(text, Kind::kUsedFolders, bytes_of(used.hashes()));
  if (files.any_file) add(text, Kind::kAnyFile, "y");
  return text;
}

FileLocks FileLocks::read(const std::string& path) {
  FileLocks locks;
  const auto file = os::read_file(path);
  if (!file || file->empty()) return locks;
  std::string_view text = *file;
  locks.any_file_ = !text.starts_with(kMagic);
  if (locks.any_file_) return locks;
  text.remove_prefix(kMagic.size());
  const BlocksRead read = read_blocks(text, [&](std::uint32_t kind, std::string_view body) {
    if (kind == static_cast<std::uint32_t>(Kind::kOutputs)) append_values(locks.outputs_, body);
    if (kind == static_cast<std::uint32_t>(Kind::kInputs)) append_values(locks.inputs_, body);
    if (kind == static_cast<std::uint32_t>(Kind::kFolders)) append_values(locks.folders_, body);
    if (kind == static_cast<std::uint32_t>(Kind::kUsedFolders)) append_values(locks.used_folders_, body);
    if (kind == static_cast<std::uint32_t>(Kind::kAnyFile)) locks.any_file_ = true;
  });
  if (read.bytes < text.size()) locks.any_file_ = true;  // it is not known what else it uses
  locks.sort();
  return locks;
}

std::vector<std::uint64_t> FileLocks::keys() const {
  std::vector<std::uint64_t> keys;
  for (const Output& output : outputs_) keys.push_back(output.key);
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

void FileLocks::sort() {
  std::sort(outputs_.begin(), outputs_.end());
  for (auto* const hashes : {&inputs_, &folders_, &used_folders_}) std::sort(hashes->begin(), hashes->end());
}

// The hash of an output folder in which PATH lies; 0 if there is none.
std::uint64_t FileLocks::folder_above(std::string_view path) const {
  if (folders_.empty()) return 0;
  for (std::string_view folder = folder_of(path); !folder.empty(); folder = folder_of(folder)) {
    if (const std::uint64_t hash = hash64(folder); has(folders_, hash)) return hash;
  }
  return 0;
}

bool FileLocks::is_output(std::uint64_t path, std::uint64_t key) const {
  const auto [begin, end] = std::equal_range(outputs_.begin(), outputs_.end(), Output{path, 0});
  return std::any_of(begin, end, [&](const Output& output) { return key == 0 || output.key == key; });
}

std::optional<std::string> FileLocks::clash(const FilesToLock& files, const OuterJob* outer) const {
  if (any_file_ || (files.any_file && locks_anything())) return std::string();
  const Names names;
  const auto is_of_outer = [&](std::uint64_t hash) {
    return outer != nullptr && is_output(hash, outer->key);
  };
  for (const OutputToLock& output : files.outputs) {
    const std::string_view path = names.of(output.path);
    const std::uint64_t hash = hash64(path), folder = folder_above(path);
    if (is_of_outer(hash) || (folder != 0 && is_of_outer(folder))) continue;
    if (folder != 0 || is_output(hash, 0) || has(inputs_, hash) ||
        (output.is_folder && has(used_folders_, hash)))
      return std::string(output.path);
  }
  for (const std::string_view input : files.inputs) {
    const std::string_view path = names.of(input);
    const std::uint64_t hash = hash64(path), folder = folder_above(path);
    if (folder == 0 && !is_output(hash, 0)) continue;
    const bool is_read_by_outer =
        outer != nullptr && (has(outer->inputs, hash) || (folder != 0 && has(outer->inputs, folder)));
    if (!is_read_by_outer && !is_of_outer(hash) && !(folder != 0 && is_of_outer(folder)))
      return std::string(input);
  }
  return std::nullopt;
}

}  // namespace furrow::store
