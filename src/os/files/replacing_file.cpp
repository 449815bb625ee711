#include "os/files/replacing_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace furrow::os {

Result<std::unique_ptr<ReplacingFile>> ReplacingFile::create(const std::string& path, unsigned mode) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return fail(path + " is a directory");
  for (int i = 0;; ++i) {
    std::string temporary = path + "." + std::to_string(::getpid()) + "-" + std::to_string(i) + ".tmp";
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd >= 0) return std::unique_ptr<ReplacingFile>(new ReplacingFile(fd, path, std::move(temporary)));
    if (errno != EEXIST) return fail(system_error("cannot write " + path));
  }
}

ReplacingFile::ReplacingFile(int fd, std::string path, std::string temporary)
    : fd_(fd), path_(std::move(path)), temporary_(std::move(temporary)), maker_(::getpid()) {}

ReplacingFile::~ReplacingFile() {
  if (!temporary_.empty() && maker_ == ::getpid()) ::unlink(temporary_.c_str());
}

Result<void> ReplacingFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error("cannot write " + path_));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> ReplacingFile::finish() {
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return fail(system_error("cannot write " + path_));
  temporary_.clear();
  return {};
}

}  // namespace furrow::os
