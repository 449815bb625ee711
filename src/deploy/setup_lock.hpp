// One process at a time sets up an environment: a lock (flock) on a file beside it, which ends with its process.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "os/files/descriptor.hpp"

namespace furrow::deploy {

class SetupLock {
 public:
  static constexpr double kLookAgain_s = 0.25;  // between two tries

  // Makes the file if it is not there; once.
  Result<void> open(const std::string& path);
  // False: another process has it. A file system without locks is used without them.
  bool take();
  void release() { file_.reset(); }

 private:
  std::optional<os::Descriptor> file_{};
};

}  // namespace furrow::deploy
