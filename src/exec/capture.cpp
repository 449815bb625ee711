#include "exec/capture.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace furrow::exec {

namespace {

// Append: what a program writes lands at the end even if something else of its group, or an earlier
// truncation, moved it.
int open_unlinked(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  std::string name = folder + "/output-XXXXXX";
  const int named = ::mkostemp(name.data(), O_APPEND | O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

int open_somewhere(const std::string& folder) {
  int fd = folder.empty() ? -1 : open_unlinked(folder);
  if (fd < 0) fd = open_unlinked("/tmp");
  if (fd < 0) return fd;
  if (fd > 2) return fd;
  const int above = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);  // the standard ones may be closed
  ::close(fd);
  return above;
}

std::int64_t size_of(int fd) {
  struct stat info;
  return fd >= 0 && ::fstat(fd, &info) == 0 ? info.st_size : 0;
}

std::string read_end(int fd, std::int64_t size, std::size_t most) {
  std::string text(std::min(most, static_cast<std::size_t>(size)), '\0');
  if (text.empty()) return text;
  const ssize_t n = ::pread(fd, text.data(), text.size(), size - static_cast<std::int64_t>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  return text;
}

void empty_file(int fd) {
  if (size_of(fd) == 0) return;
  if (::ftruncate(fd, 0) != 0) return;  // cannot fail on a file of ours
}

void close_file(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

}  // namespace

Result<void> Capture::open(const std::string& folder, bool one_stream) {
  if (out_fd_ < 0) out_fd_ = open_somewhere(folder);
  if (out_fd_ >= 0 && !one_stream && err_fd_ < 0) err_fd_ = open_somewhere(folder);
  if (out_fd_ >= 0 && (one_stream || err_fd_ >= 0)) return {};
  const Error error =
      system_error("cannot make a file for the job's output in " + (folder.empty() ? "/tmp" : folder));
  drop();
  return fail(error);
}

std::int64_t Capture::out_size() const { return size_of(out_fd_); }

std::int64_t Capture::err_size() const { return size_of(err_fd_); }

std::string Capture::tail(std::size_t most) const {
  const std::string errors = read_end(err_fd_, err_size(), most);
  return read_end(out_fd_, out_size(), most - errors.size()) + errors;
}

void Capture::clear() {
  empty_file(out_fd_);
  empty_file(err_fd_);
}

void Capture::drop() {
  close_file(out_fd_);
  close_file(err_fd_);
}

}  // namespace furrow::exec
