#include "exec/output/stream_writer.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace furrow::exec {

namespace {

constexpr std::size_t kPipeBuf = 4096;  // a pipe that polls as writable takes this much without blocking
constexpr int kPatienceMs = 100;

bool is_regular(int fd) {
  struct stat info;
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

// The engine blocks the signals it handles, so they stay pending while it waits here.
bool signal_is_waiting() {
  sigset_t waiting;
  if (::sigpending(&waiting) != 0) return false;
  return ::sigismember(&waiting, SIGINT) == 1 || ::sigismember(&waiting, SIGTERM) == 1 ||
         ::sigismember(&waiting, SIGHUP) == 1;
}

bool wait_writable(int fd) {
  for (;;) {
    pollfd target{fd, POLLOUT, 0};
    if (::poll(&target, 1, kPatienceMs) > 0) return true;
    if (signal_is_waiting()) return false;
  }
}

}  // namespace

StreamWriter::StreamWriter(int fd) : fd_(fd), may_block_(!is_regular(fd)) { ::signal(SIGPIPE, SIG_IGN); }

bool StreamWriter::write(std::string_view text) {
  while (!text.empty() && error_ == 0) {
    if (!write_some(text)) return false;
  }
  return text.empty();
}

bool StreamWriter::write_some(std::string_view& text) {
  if (may_block_ && !wait_writable(fd_)) return false;
  const ssize_t n = ::write(fd_, text.data(), may_block_ ? std::min(text.size(), kPipeBuf) : text.size());
  if (n < 0) {
    if (errno != EINTR && errno != EAGAIN) error_ = errno;
    return true;
  }
  text.remove_prefix(static_cast<std::size_t>(n));
  return true;
}

bool is_same_file(int a, int b) {
  struct stat one, other;
  if (::fstat(a, &one) != 0 || ::fstat(b, &other) != 0) return false;
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace furrow::exec
