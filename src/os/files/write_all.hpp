// Writes to a descriptor that blocks. Safe in a child after fork.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace furrow::os {

// Writes the whole text, whatever signals come. If that fails, a part may have been written, and errno says why.
inline bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace furrow::os
