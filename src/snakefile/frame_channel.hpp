// Frames over one end of a Unix socket pair (docs/design/evaluator-protocol.md). It never blocks: bytes that
// the socket does not take are queued here, and received bytes are cut into frames. Owns the descriptor. Not
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

  // Sends what it can and queues the rest, with copies of the descriptors. Fails if the message is too large
  // for a frame. A closed socket is reported by receive().
  Result<void> send(std::string message, std::span<const int> descriptors = {});
  bool wants_to_send() const { return !outgoing_.empty(); }
  void flush();

  enum class State : std::uint8_t { kOpen, kClosed };
  // Reads all that has arrived. Fails if the other side announces a frame that is too large.
  Result<State> receive();
  std::optional<std::string> next();  // a whole frame, if there is one

 private:
  struct Outgoing {
    std::string bytes;  // with the length in front
    std::size_t sent = 0;
    std::vector<int> descriptors;  // owned; closed once sent with the first byte
  };

  bool send_some(Outgoing& message, std::span<const int> descriptors);
  Result<void> cut(const char* data, std::size_t size);
  bool begin_frame(const char*& data, std::size_t& size);

  int fd_;
  std::deque<Outgoing> outgoing_;
  std::deque<std::string> frames_;
  std::array<unsigned char, 4> header_{};
  std::size_t header_size_ = 0;
  std::size_t left_ = 0;  // bytes missing from the current frame
  std::string frame_;
  std::vector<char> buffer_;
};

}  // namespace furrow::snakefile
