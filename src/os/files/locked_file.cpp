#include "os/files/locked_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "os/events/clock.hpp"

namespace furrow::os {

namespace {

constexpr auto kBetweenTries = std::chrono::milliseconds(20);

Error about(const std::string& path, const char* what) {
  return system_error("cannot " + std::string(what) + " " + path);
}

// Whether the lock was obtained in time; an error if it never can be.
Result<bool> lock(int fd, const std::string& path, double patience_s) {
  const double until = monotonic_seconds() + patience_s;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return fail(about(path, "lock"));
    if (monotonic_seconds() >= until) return false;
    std::this_thread::sleep_for(kBetweenTries);
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<LockedFile>> LockedFile::open(const std::string& path, double patience_s) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return fail(about(path, "open"));
  std::unique_ptr<LockedFile> file(new LockedFile(fd, path));
  const Result<bool> locked = lock(fd, path, patience_s);
  if (!locked) return fail(locked.error());
  if (!*locked) return nullptr;
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail(about(path, "look at"));
  if (!S_ISREG(status.st_mode)) return fail(path + " is not a regular file");
  file->size_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

Result<std::string> LockedFile::read(std::uint64_t offset, std::size_t size) const {
  std::string bytes(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(fd_.get(), bytes.data() + got, size - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(about(path_, "read"));
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

Result<void> LockedFile::append(std::string_view bytes) {
  const std::uint64_t whole = size_ + bytes.size();
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      Error error = about(path_, "write to");
      (void)::ftruncate(fd_.get(), static_cast<off_t>(size_));
      return fail(std::move(error));
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  size_ = whole;
  return {};
}

Result<void> LockedFile::truncate(std::uint64_t size) {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return fail(about(path_, "cut off"));
  size_ = size;
  return {};
}

Result<void> LockedFile::sync() {
  if (::fdatasync(fd_.get()) != 0 && errno != EINVAL) return fail(about(path_, "sync"));
  return {};
}

}  // namespace furrow::os
