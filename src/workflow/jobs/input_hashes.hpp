// Hashes of the contents of inputs, computed in the background. A hash is known of a file as it was at a
// time: if the file has changed before it was read, its content at that time stays unknown. Not thread-safe.
#pragma once

#include <unordered_map>

#include "os/files/file_hasher.hpp"
#include "workflow/dag/file_states.hpp"

namespace furrow::workflow {

class InputHashes {
 public:
  // Borrows all arguments. HASHER may be null: then no hash is ever known.
  InputHashes(const StringTable& files, FileStates& states, os::FileHasher* hasher, std::int64_t limit);

  void want(FileId file);   // as FileStates knows it
  void learn(FileId file);  // at once, as it is now: reads its status and content
  bool is_pending(FileId file) const;
  std::uint64_t of(FileId file, std::int64_t mtime_ns) const;  // 0: not known
  std::uint64_t now(FileId file,
                    const os::FileStatus& status) const;  // reads the file; 0: too large, or no file

 private:
  struct Hash {
    std::int64_t mtime_ns = 0;
    std::uint64_t value = 0;
    bool is_pending = false;
  };
  bool may_be_hashed(FileId file) const;

  const StringTable& files_;
  FileStates& states_;
  os::FileHasher* hasher_;
  std::int64_t limit_;
  std::unordered_map<FileId, Hash> known_;
};

}  // namespace furrow::workflow
