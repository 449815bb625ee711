#include "report/crate/copied_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "os/files/descriptor.hpp"
#include "os/files/write_all.hpp"
#include "report/crate/sha256.hpp"

namespace furrow::report {

namespace {

constexpr std::size_t kBlock = 1 << 18;
constexpr std::size_t kLongestCopy = 1 << 30;

Result<struct stat> status_of(int fd, const std::string& path) {
  struct stat info {};
  if (fd < 0 || ::fstat(fd, &info) != 0) return fail(system_error("cannot read " + path));
  if (!S_ISREG(info.st_mode)) return fail("cannot read " + path + ": it is no regular file");
  return info;
}

os::Descriptor open_to_read(const std::string& path) {
  return os::Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

Result<FileSum> sum_of(int fd, const std::string& path) {
  const auto buffer = std::make_unique_for_overwrite<unsigned char[]>(kBlock);
  FileSum sum;
  const auto sha256 = new_sha256();
  for (;;) {
    const ssize_t n = ::pread(fd, buffer.get(), kBlock, sum.size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error("cannot read " + path));
    if (n == 0) break;
    sha256->add(buffer.get(), static_cast<std::size_t>(n));
    sum.size += n;
  }
  sum.sha256 = sha256->hex();
  return sum;
}

Result<void> copy_through_memory(int from, int to, const std::string& path, const std::string& target) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kBlock);
  for (;;) {
    const ssize_t n = ::read(from, buffer.get(), kBlock);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error("cannot read " + path));
    if (n == 0) return {};
    if (!os::write_all(to, {buffer.get(), static_cast<std::size_t>(n)}))
      return fail(system_error("cannot write " + target));
  }
}

// In the kernel, where that works; some file systems say at once that they cannot, and some that the file is empty.
Result<void> copy_content(int from, int to, const std::string& path, const std::string& target) {
  for (;;) {
    const ssize_t n = ::copy_file_range(from, nullptr, to, nullptr, kLongestCopy, 0);
    if (n > 0 || (n < 0 && errno == EINTR)) continue;
    if (n < 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT))
      return fail(system_error("cannot write " + target));
    return copy_through_memory(from, to, path, target);
  }
}

}  // namespace

Result<FileSum> sum_of(const std::string& path) {
  const os::Descriptor file = open_to_read(path);
  FURROW_TRY(status_of(file.get(), path));
  return sum_of(file.get(), path);
}

Result<FileSum> copy_file(const std::string& from, const std::string& to) {
  const os::Descriptor in = open_to_read(from);
  const struct stat info = FURROW_TRY(status_of(in.get(), from));
  const os::Descriptor out(::open(to.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (out.get() < 0) return fail(system_error("cannot write " + to));
  FURROW_TRY(copy_content(in.get(), out.get(), from, to));
  FileSum sum = FURROW_TRY(sum_of(out.get(), to));
  // Whoever gets the crate must be able to remove it.
  const std::array<timespec, 2> times{info.st_atim, info.st_mtim};
  if (::fchmod(out.get(), (info.st_mode & 0777) | S_IRUSR | S_IWUSR) != 0 ||
      ::futimens(out.get(), times.data()) != 0)
    return fail(system_error("cannot set the permissions of " + to));
  return sum;
}

}  // namespace furrow::report
