#include "command/input/buffered_reader.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace furrow::command {

namespace {

constexpr std::size_t kBuffer = 64 * 1024;

bool is_regular(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

BufferedReader::BufferedReader(int fd, std::string name, bool owned)
    : fd_(fd), name_(std::move(name)), owned_(owned), can_block_(!is_regular(fd)), buffer_(kBuffer) {}

BufferedReader::~BufferedReader() {
  if (owned_) ::close(fd_);
}

bool BufferedReader::is_ready() const {
  pollfd ready{fd_, POLLIN, 0};
  return ::poll(&ready, 1, 0) != 0;
}

Result<Pull> BufferedReader::fill() {
  if (can_block_ && !is_ready()) return Pull::kNotYet;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);  // a record is longer than the buffer
  for (;;) {
    const ssize_t got = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
    if (got > 0) {
      end_ += static_cast<std::size_t>(got);
      return Pull::kValue;
    }
    if (got == 0) return Pull::kEnd;
    if (errno == EAGAIN) return Pull::kNotYet;
    if (errno != EINTR) return fail(system_error("cannot read " + name_));
  }
}

Result<std::unique_ptr<BufferedReader>> open_buffered(const std::string& path) {
  if (path == "-") return std::make_unique<BufferedReader>(STDIN_FILENO, "standard input", false);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(system_error("cannot open the file of inputs " + path));
  return std::make_unique<BufferedReader>(fd, path, true);
}

}  // namespace furrow::command
