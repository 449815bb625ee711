#include "snakefile/frame_channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace furrow::snakefile {

namespace {
constexpr std::size_t kReadBytes = 1 << 18;
constexpr std::size_t kReserved = 1 << 24;  // the most to reserve for a frame before its bytes arrive
constexpr std::size_t kMaxDescriptors = 4;

void close_all(std::vector<int>& descriptors) {
  for (const int fd : descriptors) ::close(fd);
  descriptors.clear();
}
}  // namespace

FrameChannel::FrameChannel(int fd) : fd_(fd), buffer_(kReadBytes) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

FrameChannel::~FrameChannel() {
  for (Outgoing& message : outgoing_) close_all(message.descriptors);
  ::close(fd_);
}

Result<void> FrameChannel::send(std::string message, std::span<const int> descriptors) {
  if (message.size() > kMaxFrame) return fail("a message to the evaluator is larger than 2 GiB");
  const auto size = static_cast<std::uint32_t>(message.size());
  const char header[4] = {static_cast<char>(size), static_cast<char>(size >> 8),
                          static_cast<char>(size >> 16), static_cast<char>(size >> 24)};
  message.insert(0, header, sizeof header);
  Outgoing outgoing{std::move(message), 0, {}};
  if (outgoing_.empty() && send_some(outgoing, descriptors)) return {};
  if (outgoing.sent == 0) {
    for (const int fd : descriptors) {
      const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
      if (copy < 0) {
        Error error = system_error("cannot duplicate a descriptor for the evaluator");
        close_all(outgoing.descriptors);
        return fail(std::move(error));
      }
      outgoing.descriptors.push_back(copy);
    }
  }
  outgoing_.push_back(std::move(outgoing));
  return {};
}

void FrameChannel::flush() {
  while (!outgoing_.empty()) {
    Outgoing& message = outgoing_.front();
    const bool done = send_some(message, message.descriptors);
    if (message.sent > 0) close_all(message.descriptors);
    if (!done) return;
    outgoing_.pop_front();
  }
}

// True once the whole message is sent. The descriptors go with the first byte.
bool FrameChannel::send_some(Outgoing& message, std::span<const int> descriptors) {
  while (message.sent < message.bytes.size()) {
    iovec part{message.bytes.data() + message.sent, message.bytes.size() - message.sent};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
    if (message.sent == 0 && !descriptors.empty()) {
      const std::size_t bytes = sizeof(int) * std::min(descriptors.size(), kMaxDescriptors);
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(bytes);
      cmsghdr* rights = CMSG_FIRSTHDR(&header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(bytes);
      std::memcpy(CMSG_DATA(rights), descriptors.data(), bytes);
    }
    const ssize_t n = ::sendmsg(fd_, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    // After any other error the message can never arrive, so it is dropped.
    if (n < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
    message.sent += static_cast<std::size_t>(n);
  }
  return true;
}

Result<FrameChannel::State> FrameChannel::receive() {
  for (;;) {
    const ssize_t n = ::recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? State::kOpen : State::kClosed;
    if (n == 0) return State::kClosed;
    if (auto whole = cut(buffer_.data(), static_cast<std::size_t>(n)); !whole) return fail(whole.error());
  }
}

Result<void> FrameChannel::cut(const char* data, std::size_t size) {
  while (size > 0) {
    if (header_size_ < header_.size()) {
      if (!begin_frame(data, size)) return fail("the evaluator announced a frame of more than 2 GiB");
      if (header_size_ < header_.size()) return {};
    }
    const std::size_t taken = std::min(size, left_);
    frame_.append(data, taken);
    data += taken;
    size -= taken;
    left_ -= taken;
    if (left_ > 0) return {};
    frames_.push_back(std::move(frame_));
    frame_.clear();
    header_size_ = 0;
  }
  return {};
}

// Takes bytes of the length; false if the length is too large.
bool FrameChannel::begin_frame(const char*& data, std::size_t& size) {
  while (header_size_ < header_.size() && size > 0) {
    header_[header_size_++] = static_cast<unsigned char>(*data++);
    --size;
  }
  if (header_size_ < header_.size()) return true;
  left_ = header_[0] | std::size_t{header_[1]} << 8 | std::size_t{header_[2]} << 16 |
          std::size_t{header_[3]} << 24;
  if (left_ > kMaxFrame) return false;
  frame_.reserve(std::min(left_, kReserved));
  return true;
}

std::optional<std::string> FrameChannel::next() {
  if (frames_.empty()) return std::nullopt;
  std::string frame = std::move(frames_.front());
  frames_.pop_front();
  return frame;
}

}  // namespace furrow::snakefile
