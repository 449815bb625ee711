// A file to which one process at a time appends.
//
// open() locks the file with flock; the lock lasts until the object is destroyed. Processes forked meanwhile
// keep the lock until they end. Not thread-safe, except for sync().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "os/files/descriptor.hpp"

namespace furrow::os {

class LockedFile {
 public:
  // Creates the file if it is missing. Null if another process holds the lock for longer than PATIENCE_S.
  static Result<std::unique_ptr<LockedFile>> open(const std::string& path, double patience_s);

  std::uint64_t size() const { return size_; }
  // Reads up to SIZE bytes from OFFSET on; fewer only at the end of the file.
  Result<std::string> read(std::uint64_t offset, std::size_t size) const;
  // If only a part could be written, that part is cut off again if possible.
  Result<void> append(std::string_view bytes);
  Result<void> truncate(std::uint64_t size);
  Result<void> sync();  // waits until the contents are on the disk; may run during append()

 private:
  LockedFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  Descriptor fd_;
  std::string path_;
  std::uint64_t size_ = 0;
};

}  // namespace furrow::os
