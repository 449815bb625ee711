// Frames over one end of a Unix socket pair (docs/design/evaluator-protocol.md), without ever blocking: what
// the socket does not take waits here, what it brings is cut into frames. Owns the descriptor. Not
// thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace furrow::snakefile {

class FrameChannel {
 public:
  static constexpr std::size_t kMaxFrame = 0x7fffffff;

  explicit FrameChannel(int fd);
  ~FrameChannel();
  FrameChannel(const FrameChannel&) = delete;
  FrameChannel& operator=(const FrameChannel&) = delete;

  int fd() const { return fd_; }

  // Sends what it can and keeps the rest, with copies of the descriptors. Fails where the message is too
  // large for a frame; a closed socket is noticed by receive().
  Result<void> send(std::string message, std::span<const int> descriptors = {});
  bool wants_to_send() const { return !outgoing_.empty(); }
  void flush();

  enum class State : std::uint8_t { kOpen, kClosed };
  // Takes what is there. Fails where the other side sends a frame that is larger than any may be.
  Result<State> receive();
  std::optional<std::string> next();  // a whole frame, if there is one

 private:
  struct Outgoing {
    std::string bytes;  // with the length before it
    std::size_t sent = 0;
    std::vector<int> descriptors;  // ours; closed once they have gone with the first byte
  };

  bool send_some(Outgoing& message, std::span<const int> descriptors);
  Result<void> cut(const char* data, std::size_t size);
  bool begin_frame(const char*& data, std::size_t& size);

  int fd_;
  std::deque<Outgoing> outgoing_;
  std::deque<std::string> frames_;
  std::array<unsigned char, 4> header_{};
  std::size_t header_size_ = 0;
  std::size_t left_ = 0;  // of the frame that has begun
  std::string frame_;
  std::vector<char> buffer_;
};

}  // namespace furrow::snakefile
