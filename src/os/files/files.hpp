// Files: their status, folders, whole contents. Paths are bytes, relative ones are to the current directory.
// Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace furrow::os {

struct FileStatus {
  enum class Kind : std::uint8_t { kMissing, kFile, kDirectory, kOther };
  Kind kind = Kind::kMissing;
  bool is_link = false;
  std::int64_t mtime_ns = 0;       // of what a link points to
  std::int64_t link_mtime_ns = 0;  // of the link itself; equal where there is none
  std::int64_t size = 0;           // bytes
  bool exists() const { return kind != Kind::kMissing; }
  std::int64_t newest_ns() const { return mtime_ns > link_mtime_ns ? mtime_ns : link_mtime_ns; }
};

// A dangling link is missing. What cannot be looked at (no permission) is missing too.
FileStatus status(const std::string& path);

// The status of many files, a folder at a time: where a folder is missing or holds fewer names than are asked
// of it, one look at the folder answers for most. PATHS and the result are in the same order.
std::vector<FileStatus> status_all(const std::vector<std::string_view>& paths);

Result<std::string> read_file(const std::string& path);
Result<void> write_file(const std::string& path, std::string_view content);  // in place, not atomic
Result<void> make_directories(const std::string& path);  // with parents; fine if it is there
Result<void> make_parent(const std::string& path);
Result<void> remove_tree(
    const std::string& path);  // file, link or folder with all below; fine if it is not there
// Makes the file if it is missing, else sets its time to now: a link's own, not that of what it points to.
Result<void> touch(const std::string& path);
Result<void> set_writable(const std::string& path, bool writable);  // for all; a folder with all below

bool is_write_protected(const std::string& path);  // a regular file that nobody may write, by its permissions

struct DirectoryEntry {
  std::string name;
  bool is_directory;  // of a link: what it points to
  bool is_link;
};
Result<std::vector<DirectoryEntry>> list_directory(
    const std::string& path);  // sorted by name, without . and ..

std::string parent_of(std::string_view path);  // "a/b" -> "a", "a" -> "", "/a" -> "/"
std::string current_directory();               // empty where it has been removed
Result<void> change_directory(const std::string& path);
// Joined to the current directory, if that is there; "." and ".." resolved by text.
std::string absolute(const std::string& path);

// The hash of a file's content, read in pieces; fails where it cannot be read.
Result<std::uint64_t> hash_file(const std::string& path);

}  // namespace furrow::os
