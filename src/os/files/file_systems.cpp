#include "os/files/file_systems.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "os/files/descriptor.hpp"
#include "os/files/files.hpp"

namespace furrow::os {

void FileSystems::add(std::string path) {
  if (!paths_.empty() && path == last_) return;
  last_ = path;
  struct stat info {};
  while (::stat(path.c_str(), &info) != 0 && path != "/" && path != ".") {
    path = parent_of(path);                 // what is gone needs no sync, but its folder does
    if (path.empty()) path.assign(1, '.');  // gcc 12 takes the assignment of "." for an overlap
  }
  if (devices_.insert(info.st_dev).second) paths_.push_back(std::move(path));
}

bool FileSystems::sync(bool everything) const {
  if (everything) return ::sync(), true;
  return std::all_of(paths_.begin(), paths_.end(), [](const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() >= 0 && ::syncfs(file.get()) == 0) return true;
    if (file.get() >= 0 && errno != ENOSYS) return false;
    return ::sync(), true;  // it may not be read, or the call is refused
  });
}

}  // namespace furrow::os
