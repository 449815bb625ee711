#include "os/files/program.hpp"

#include <unistd.h>

#include <climits>

namespace furrow::os {

std::string program_path() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  return {path, static_cast<std::size_t>(length > 0 ? length : 0)};
}

}  // namespace furrow::os
