// A cache of file status: the status of each file is read once, many files at a time, and read again only
// when a job may have changed it. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/string_table.hpp"
#include "os/files/files.hpp"

namespace furrow::workflow {

using FileId = StringTable::Id;

class FileStates {
 public:
  explicit FileStates(const StringTable& files) : files_(files) {}

  void load(std::span<const FileId> files);  // reads the status of those that were not read yet
  void reload(FileId file);
  void reload(std::span<const FileId> files);  // many at a time
  // Takes a file that is not there as one that exists and is older than all others.
  void assume(FileId file);
  // From now on, whatever is at its path counts as nothing.
  void ignore(FileId file);

  bool exists(FileId file);
  bool is_there(FileId file);  // also a link to nothing
  bool is_link(FileId file);
  bool is_protected(FileId file);  // its owner may not write it; of the file that a link points to
  bool is_directory(FileId file);
  std::int64_t mtime_ns(FileId file);  // the newer of a link's own and its target's; 0 if there is no file
  std::int64_t own_mtime_ns(FileId file);  // of a link itself
  std::int64_t size(FileId file);

 private:
  struct State {
    std::int64_t mtime_ns = 0;
    std::int64_t own_mtime_ns = 0;
    std::int64_t size = 0;
  };
  const State& state(FileId file);
  void set(FileId file, const os::FileStatus& status);
  void make_room();

  const StringTable& files_;
  std::vector<State> states_;
  // 0: not read; else 1 + os::FileStatus::Kind, and marks
  std::vector<std::uint8_t> kinds_;
};

}  // namespace furrow::workflow
