#include "os/files/named_pipe.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace furrow::os {

Result<void> make_named_pipe(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail(system_error("cannot put a named pipe in place of " + path));
  if (::mkfifo(path.c_str(), 0666) != 0) return fail(system_error("cannot make the named pipe " + path));
  return {};
}

bool is_named_pipe(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISFIFO(info.st_mode);
}

void remove_named_pipe(const std::string& path) {
  if (is_named_pipe(path)) (void)::unlink(path.c_str());
}

}  // namespace furrow::os
