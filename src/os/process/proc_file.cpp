#include "os/process/proc_file.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace furrow::os {

std::string read_proc_file(int proc, const std::string& name, bool& is_readable) {
  std::string text;
  const int fd = ::openat(proc, name.c_str(), O_RDONLY | O_CLOEXEC);
  is_readable = fd >= 0;
  if (fd < 0) return text;
  char buffer[16384];
  ssize_t n;
  while ((n = ::read(fd, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(n));
  is_readable = n == 0;
  ::close(fd);
  return text;
}

}  // namespace furrow::os
