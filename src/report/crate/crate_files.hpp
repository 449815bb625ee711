// The files of a crate: which versions of them jobs have used and made, which of these are still there, and where they lie in
// the crate.
//
// First all files are added, then look() finds out what is there, sums and copies it, and then each version has its
// entity. Not thread-safe; look() uses several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "report/workflow_facts.hpp"
#include "store/stamps.hpp"

namespace furrow::report {

enum class Presence : std::uint8_t {
  kIncluded,  // in the crate
  kLeftOut,   // as it was when jobs used it, but not in the crate
  kGone,      // it is no longer there
  kChanged,   // it has changed since
};

struct CrateFile {
  std::string path{};   // from the folder of the workflow, or absolute if it is not in it
  std::string place{};  // in the crate; empty: not in it
  std::string id{};
  Presence presence = Presence::kGone;
  bool is_folder = false, is_source = false;
  bool has_new_content = false;  // a source or folder that has changed since
  bool is_readable = true;
  std::string sha256{};
  std::int64_t size = -1;  // in bytes; -1: not known
  std::int64_t mtime_ns = 0;
  std::vector<std::uint32_t> parts{};  // of a folder: the files in it
  // Of a folder: links to folders, special files and folders that cannot be read, which are no parts.
  std::size_t skipped = 0;
  bool is_part = false;  // of a folder

  bool is_there() const { return presence == Presence::kIncluded || presence == Presence::kLeftOut; }
};

struct CrateFileOptions {
  std::string folder{};  // of the workflow, absolute
  std::string crate{};   // where the crate is being made, absolute
  bool is_slim = false;  // only sources are copied
  unsigned threads = 1;
};

class CrateFiles {
 public:
  explicit CrateFiles(CrateFileOptions options) : options_(std::move(options)) {}

  // The number of the version. STAMP: as a job used it, or made it (IS_MADE), which ended at ENDED_AT.
  std::uint32_t add(const store::FileStamp& stamp, bool is_made, double ended_at);
  std::uint32_t add_source(const SourceFile& source);

  // Copies and sums what is there. Fails if a file cannot be copied, or if STOPS, which is asked before each file.
  Result<void> look(const std::function<bool()>& stops);

  // After look().
  std::uint32_t file_of(std::uint32_t version) const { return versions_[version].file; }
  const std::vector<CrateFile>& files() const { return files_; }

 private:
  struct Version {
    store::FileStamp stamp{};  // without a path
    bool is_made = false, is_source = false;
    double known_until = 0;  // when the job that made it had ended; or else the last one that used it
    std::uint32_t file = 0;
  };
  struct Path {
    std::string path{};
    std::vector<std::uint32_t> versions{};
  };
  struct Walk {
    std::vector<std::string> files{};
    std::size_t skipped = 0;
  };

  std::string known_path(const std::string& path) const;
  std::string full(const std::string& path) const;
  std::uint32_t add_version(const std::string& path, Version version);
  void look_at(const Path& path);
  std::uint32_t add_file(const std::string& path, bool is_current);
  void look_into(const Path& path);
  void walk(const std::string& folder, Walk& found) const;
  double known_until(const Path& path) const;
  void place_files();
  std::string outside_place(const std::string& path) const;
  Result<void> make_folders() const;
  Result<void> take_contents(const std::function<bool()>& stops);
  Result<void> take_content(CrateFile& file) const;
  void name_files();

  CrateFileOptions options_;
  std::vector<Version> versions_;
  std::vector<Path> paths_;
  std::unordered_map<std::string, std::uint32_t> path_numbers_;
  std::vector<CrateFile> files_;
  std::unordered_map<std::string, std::uint32_t>
      current_;  // files by path: those that are there, or were last
};

}  // namespace furrow::report
