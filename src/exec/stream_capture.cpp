#include "exec/stream_capture.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace furrow::exec {

namespace {

constexpr std::size_t kInMemory = 64 * 1024;  // of one stream; thousands may run at once
constexpr std::size_t kKeptCapacity = 16 * 1024;

// The standard ones may be closed, and then a child must find nothing of ours in their place.
int above_standard(int fd) {
  if (fd < 0 || fd > 2) return fd;
  const int above = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  ::close(fd);
  return above;
}

int open_unlinked(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  std::string name = folder + "/output-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

int open_somewhere(const std::string& folder) {
  const int fd = folder.empty() ? -1 : open_unlinked(folder);
  return above_standard(fd < 0 ? open_unlinked("/tmp") : fd);
}

// A job that ends sooner is read once, at its end: watching its pipe would wake the engine twice for it. What
// it prints until then has room in the pipe, or waits this long.
constexpr double kWatchAfter_s = 0.01;

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

}  // namespace

StreamCapture::~StreamCapture() {
  close_write_end();
  close_read_end();
  close_fd(file_);
}

Result<void> StreamCapture::open() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(system_error("cannot make a pipe for the job's output"));
  read_fd_ = above_standard(ends[0]);
  write_fd_ = above_standard(ends[1]);
  // Only our end: programs do not expect theirs to be so.
  if (read_fd_ < 0 || write_fd_ < 0 || ::fcntl(read_fd_, F_SETFL, O_NONBLOCK) != 0) {
    const Error error = system_error("cannot make a pipe for the job's output");
    close_fd(read_fd_);
    close_fd(write_fd_);
    return fail(error);
  }
  watch_timer_ = tools_.loop.after(kWatchAfter_s, [this] {
    watch_timer_ = 0;
    tools_.loop.watch(read_fd_, EPOLLIN, [this](std::uint32_t events) { on_readable(events); });
  });
  return {};
}

void StreamCapture::unwatch() {
  if (watch_timer_ != 0) {
    tools_.loop.cancel(std::exchange(watch_timer_, 0));
  } else {
    tools_.loop.forget(read_fd_);
  }
}

void StreamCapture::on_readable(std::uint32_t events) {
  if ((events & EPOLLIN) == 0 || !take(1)) close_read_end();
}

// Takes what is there, until it is MOST bytes or more. False once nobody can write any more.
bool StreamCapture::take(std::int64_t most) {
  while (most > 0) {
    const ssize_t n = ::read(read_fd_, tools_.piece.get(), CaptureTools::kPiece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return true;
    if (n == 0) return false;
    keep({tools_.piece.get(), static_cast<std::size_t>(n)});
    most -= n;
  }
  return true;
}

void StreamCapture::keep(std::string_view piece) {
  if (memory_.size() + piece.size() > kInMemory) move_to_file();
  memory_.append(piece);
}

// What a full disk does not take is lost, and so is all that follows but the end: the order must stay.
void StreamCapture::move_to_file() {
  std::string_view rest = memory_;
  if (file_ < 0 && lost_ == 0 && !rest.empty()) file_ = open_somewhere(tools_.folder);
  while (!rest.empty() && file_ >= 0 && lost_ == 0) {
    const ssize_t n = ::pwrite(file_, rest.data(), rest.size(), file_size_);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(n));
    file_size_ += n;
  }
  lost_ += static_cast<std::int64_t>(rest.size());
  memory_.clear();
}

// No more than was there at the beginning: one who writes without end must not hold up the engine.
void StreamCapture::finish() {
  close_write_end();
  if (read_fd_ < 0) return;
  int waiting = 0;
  if (::ioctl(read_fd_, FIONREAD, &waiting) != 0) waiting = 0;
  if (!take(std::int64_t{waiting} + 1)) return close_read_end();
  unwatch();
  tools_.leftovers.adopt(std::exchange(read_fd_, -1));
}

CapturedStream StreamCapture::content() const {
  return {.file = file_, .file_size = file_size_, .lost = lost_, .rest = memory_};
}

void StreamCapture::clear() {
  memory_.clear();
  if (memory_.capacity() > kKeptCapacity) memory_.shrink_to_fit();
  if (file_size_ > 0 && ::ftruncate(file_, 0) != 0) close_fd(file_);
  file_size_ = 0;
  lost_ = 0;
}

void StreamCapture::close_write_end() { close_fd(write_fd_); }

void StreamCapture::close_read_end() {
  if (read_fd_ >= 0) unwatch();
  close_fd(read_fd_);
}

}  // namespace furrow::exec
