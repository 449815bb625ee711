#include "os/files/sync_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "os/files/descriptor.hpp"

namespace furrow::os {

void sync_folder(const std::string& path) {
  const Descriptor folder(::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
}

}  // namespace furrow::os
