// Files: their status, folders, whole contents. Paths are bytes; relative paths start at the current
// directory. Thread-safe.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace furrow::os {

struct FileStatus {
  enum class Kind : std::uint8_t { kMissing, kFile, kDirectory, kOther };
  Kind kind = Kind::kMissing;
  bool is_link = false;
  // Its permissions do not let its own owner write it. Root could, so access() would say another thing.
  // Of the file that a link points to.
  bool is_protected = false;
  // Of the file that a link points to.
  std::int64_t mtime_ns = 0;
  // Of the link itself; equal to mtime_ns for other files.
  std::int64_t link_mtime_ns = 0;
  // In bytes.
  std::int64_t size = 0;
  bool exists() const { return kind != Kind::kMissing; }
  std::int64_t newest_ns() const { return mtime_ns > link_mtime_ns ? mtime_ns : link_mtime_ns; }
};

// A dangling link counts as missing, and so does a file that cannot be looked at (no permission).
FileStatus status(const std::string& path);

// The status of many files, one folder at a time: if a folder is missing or holds fewer names than are asked
// for, a single listing answers for most. The result has the order of PATHS.
std::vector<FileStatus> status_all(const std::vector<std::string_view>& paths);

Result<std::string> read_file(const std::string& path);
Result<void> write_file(const std::string& path, std::string_view content);  // in place, not atomic
// With parents; no error if it exists. Appends the folders that were not there to MADE, parents first.
Result<void> make_directories(const std::string& path, std::vector<std::string>* made = nullptr);
Result<void> make_parent(const std::string& path, std::vector<std::string>* made = nullptr);
// Removes a file, a link, or a folder with everything in it; no error if it does not exist.
Result<void> remove_tree(const std::string& path);
// The same, but what is named in KEPT stays, with the folders that hold it.
Result<void> remove_tree(const std::string& path, const std::set<std::string>& kept);
bool remove_empty_directory(const std::string& path);  // false if it is not empty or not there
// Creates the file if it is missing, otherwise sets its time to now: for a link, the time of the link itself.
Result<void> touch(const std::string& path);
// For everybody; in a folder, for everything in it.
Result<void> set_writable(const std::string& path, bool writable);

struct DirectoryEntry {
  std::string name;
  bool is_directory;  // for a link: whether it points to one
  bool is_link;
};
// Sorted by name, without . and ..
Result<std::vector<DirectoryEntry>> list_directory(const std::string& path);

std::string parent_of(std::string_view path);  // "a/b" -> "a", "a" -> "", "/a" -> "/"
std::string current_directory();               // empty if it has been removed
Result<void> change_directory(const std::string& path);
// PATH joined to the current directory, if that exists; "." and ".." are resolved in the text.
std::string absolute(const std::string& path);

// The hash of a file's content, read a buffer at a time; fails if the file cannot be read.
Result<std::uint64_t> hash_file(const std::string& path);

}  // namespace furrow::os
