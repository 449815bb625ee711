#include "os/files/look_again.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "os/files/descriptor.hpp"
#include "os/files/files.hpp"

namespace furrow::os {

void look_again(const std::string& path) {
  const auto entries = list_directory(parent_of(path));
  const std::string name = path.substr(path.rfind('/') + 1);
  const bool is_listed =
      entries && std::any_of(entries->begin(), entries->end(),
                             [&](const DirectoryEntry& entry) { return entry.name == name; });
  if (!is_listed || status(path).exists()) return;
  // To make it anew is refused by the server, since it exists, and then the name is no longer unknown here.
  const Descriptor made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (made.get() >= 0) ::unlink(path.c_str());  // it has been removed meanwhile
}

}  // namespace furrow::os
