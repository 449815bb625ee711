#include "exec/output/stream_capture.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace furrow::exec {

namespace {

// If this process has closed its standard descriptors, a new descriptor may get one of their numbers. A child
// must not find it there.
int above_standard(int fd) {
  if (fd < 0 || fd > 2) return fd;
  const int above = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  ::close(fd);
  return above;
}

// The pipe of a job that ends sooner is read once, at its end: watching it would wake the engine twice for
// such a job. Until then the output fits into the pipe, or the job waits this long.
constexpr double kWatchAfter_s = 0.01;

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

}  // namespace

StreamCapture::~StreamCapture() {
  close_write_end();
  close_read_end();
}

Result<void> StreamCapture::open(plan::JobId job) {
  job_ = job;
  failure_code_ = 0;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    failure_code_ = errno;
    return fail(system_error("cannot make a pipe for the job's output"));
  }
  read_fd_ = above_standard(ends[0]);
  write_fd_ = above_standard(ends[1]);
  // Only our end is non-blocking: programs do not expect theirs to be.
  if (read_fd_ < 0 || write_fd_ < 0 || ::fcntl(read_fd_, F_SETFL, O_NONBLOCK) != 0) {
    failure_code_ = errno;
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
  if ((events & EPOLLIN) == 0 || take(1) == Taken::kEnd) close_read_end();
}

// Reads what is in the pipe, until it has read `most` bytes or more.
StreamCapture::Taken StreamCapture::take(std::int64_t most) {
  while (most > 0) {
    const ssize_t n = ::read(read_fd_, tools_.buffer.get(), CaptureTools::kPipeCapacity);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Taken::kAll;
    if (n == 0) return Taken::kEnd;
    keep({tools_.buffer.get(), static_cast<std::size_t>(n)});
    most -= n;
  }
  return Taken::kSome;
}

void StreamCapture::keep(std::string_view text) {
  if (tools_.live_sink != nullptr) {
    tools_.live_sink->on_output(job_, is_err_, text);
  } else {
    kept_.append(text);
  }
}

// Reads no more than is there at the beginning: a process that writes endlessly must not hold up the engine.
void StreamCapture::finish() {
  close_write_end();
  if (read_fd_ < 0) return;
  Taken taken = take(1);  // most jobs print little
  if (taken == Taken::kSome) {
    int waiting = 0;
    if (::ioctl(read_fd_, FIONREAD, &waiting) != 0) waiting = 0;
    taken = take(std::int64_t{waiting} + 1);
  }
  if (taken == Taken::kEnd) return close_read_end();
  unwatch();
  tools_.leftovers.adopt(std::exchange(read_fd_, -1));
}

void StreamCapture::clear() {
  kept_.clear();
  failure_code_ = 0;
}

void StreamCapture::close_write_end() { close_fd(write_fd_); }

void StreamCapture::close_read_end() {
  if (read_fd_ >= 0) unwatch();
  close_fd(read_fd_);
}

}  // namespace furrow::exec
