// A file that appears under its name only when it is complete: it is written under another name, then
// renamed.
//
// Without finish(), what was written is removed, and an existing file of that name stays. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "os/files/descriptor.hpp"

namespace furrow::os {

class ReplacingFile {
 public:
  // With the permissions MODE, less what the umask takes away.
  static Result<std::unique_ptr<ReplacingFile>> create(const std::string& path, unsigned mode = 0666);
  ~ReplacingFile();

  Result<void> write(std::string_view bytes);
  Result<void> finish();

 private:
  ReplacingFile(int fd, std::string path, std::string temporary);
  Descriptor fd_;
  std::string path_;
  std::string temporary_;  // empty once it is renamed or removed
  int maker_;              // the process that created it: a forked copy must not remove the file
};

}  // namespace furrow::os
