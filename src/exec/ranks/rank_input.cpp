#include "exec/ranks/rank_input.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace furrow::exec {

namespace {

constexpr std::size_t kFragmentBytes = 64 * 1024;

bool may_come_later(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

// --- rank 0

RankInputReader::RankInputReader(os::EventLoop& loop, plan::Launch::Stream input,
                                 std::function<void(std::string_view data)> send)
    : loop_(loop), input_(std::move(input)), send_(std::move(send)) {
  const int flags = ::fcntl(*input_, F_GETFL);
  if (flags >= 0) ::fcntl(*input_, F_SETFL, flags | O_NONBLOCK);
}

RankInputReader::~RankInputReader() { unwatch(); }

void RankInputReader::read_on() {
  char data[kFragmentBytes];
  while (!is_over_ && in_flight_ < kInputWindow) {
    const ssize_t n = ::read(*input_, data, std::min(sizeof data, kInputWindow - in_flight_));
    if (n < 0 && may_come_later(errno)) {
      if (!std::exchange(is_watched_, true))
        loop_.watch(*input_, EPOLLIN, [this](std::uint32_t) { read_on(); });
      return;
    }
    is_over_ = n <= 0;
    in_flight_ += n > 0 ? static_cast<std::size_t>(n) : 0;
    send_({data, n > 0 ? static_cast<std::size_t>(n) : 0});
  }
  unwatch();
}

void RankInputReader::taken(std::size_t bytes) {
  in_flight_ -= std::min(bytes, in_flight_);
  if (!is_watched_) read_on();
}

void RankInputReader::unwatch() {
  if (std::exchange(is_watched_, false)) loop_.forget(*input_);
}

// --- the attempt's rank

RankInputWriter::RankInputWriter(os::EventLoop& loop, std::function<void(std::size_t bytes)> taken)
    : loop_(loop), taken_(std::move(taken)) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
  fd_ = ends[1];
  read_end_ = plan::Launch::Stream(new int(ends[0]), [](const int* fd) {
    ::close(*fd);
    delete fd;
  });
}

RankInputWriter::~RankInputWriter() { close(); }

plan::Launch::Stream RankInputWriter::take_read_end() { return std::exchange(read_end_, nullptr); }

void RankInputWriter::write(std::string_view data) {
  if (fd_ < 0) return taken_(data.size());
  pending_ += data;
  if (!is_watched_) write_on();
}

void RankInputWriter::end() {
  is_ending_ = true;
  if (pending_.empty()) close();
}

void RankInputWriter::write_on() {
  std::size_t done = 0;
  while (done < pending_.size()) {
    const ssize_t n = ::write(fd_, pending_.data() + done, pending_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    done += static_cast<std::size_t>(n);
  }
  const bool waits = done < pending_.size() && errno == EAGAIN;
  const std::size_t gone = waits ? done : pending_.size();  // if the pipe is broken, everything is dropped
  const bool is_broken = !waits && done < pending_.size();
  pending_.erase(0, gone);
  if (waits) {
    if (!std::exchange(is_watched_, true)) loop_.watch(fd_, EPOLLOUT, [this](std::uint32_t) { write_on(); });
  } else if (std::exchange(is_watched_, false)) {
    loop_.forget(fd_);
  }
  if (is_broken || (is_ending_ && pending_.empty())) close();
  if (gone > 0) taken_(gone);
}

void RankInputWriter::close() {
  if (fd_ < 0) return;
  if (std::exchange(is_watched_, false)) loop_.forget(fd_);
  ::close(std::exchange(fd_, -1));
}

}  // namespace furrow::exec
