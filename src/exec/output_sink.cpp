#include "exec/output_sink.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace furrow::exec {

namespace {

constexpr std::int64_t kPiece = 64 * 1024;
constexpr std::size_t kPipePiece = 4096;  // what a pipe that is ready to be written takes without waiting
constexpr int kPatienceMs = 100;

bool same_file(int a, int b) {
  struct stat one, other;
  if (::fstat(a, &one) != 0 || ::fstat(b, &other) != 0) return false;
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool is_regular(int fd) {
  struct stat info;
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

// The engine blocks the signals it handles, so they wait while it is in here.
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

bool write_all(int fd, std::string_view text, bool may_block) {
  while (!text.empty()) {
    if (may_block && !wait_writable(fd)) return false;
    const ssize_t n = ::write(fd, text.data(), may_block ? std::min(text.size(), kPipePiece) : text.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return false;  // the reader has gone, or the disk is full
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool copy_file(int from, std::int64_t size, int to, bool may_block) {
  char buffer[kPiece];
  for (std::int64_t offset = 0; offset < size;) {
    const ssize_t n =
        ::pread(from, buffer, static_cast<std::size_t>(std::min(kPiece, size - offset)), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || !write_all(to, {buffer, static_cast<std::size_t>(n)}, may_block)) return false;
    offset += n;
  }
  return true;
}

void copy(const CapturedStream& from, int to) {
  if (from.empty()) return;
  const bool may_block = !is_regular(to);
  if (from.file_size > 0 && !copy_file(from.file, from.file_size, to, may_block)) return;
  if (from.lost > 0) {
    const std::string gap = "\n[... " + std::to_string(from.lost) + " bytes could not be kept ...]\n";
    if (!write_all(to, gap, may_block)) return;
  }
  write_all(to, from.rest, may_block);
}

}  // namespace

StandardOutputSink::StandardOutputSink(int out_fd, int err_fd)
    : out_fd_(out_fd), err_fd_(err_fd), is_one_stream_(same_file(out_fd, err_fd)) {
  ::signal(SIGPIPE, SIG_IGN);
}

void StandardOutputSink::show(const CapturedOutput& output) {
  copy(output.out, out_fd_);
  copy(output.err, err_fd_);
}

}  // namespace furrow::exec
