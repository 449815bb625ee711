// Writers for the messages that a worker gets: the whole message into a buffer, or a large one in parts into
// the worker's inbox while the worker reads it.
//
// For one thread. They borrow what they write to.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "channel/frame.hpp"
#include "furrow/codec.hpp"
#include "pool/workers/worker_wire.hpp"

namespace furrow::pool {

// Thrown if a message grows too large to be queued behind others.
struct TooLarge {};

class LimitedWriter : public Writer {
 public:
  LimitedWriter(std::vector<std::byte>& bytes, std::size_t limit) : bytes_(bytes), limit_(limit) {}
  void write(const void* data, std::size_t size) override {
    const std::size_t before = bytes_.size();
    if (size > limit_ - before) throw TooLarge{};
    bytes_.resize(before + size);
    if (size != 0) std::memcpy(bytes_.data() + before, data, size);
  }

 private:
  std::vector<std::byte>& bytes_;
  const std::size_t limit_;
};

// Writes a message in parts straight into the ring. Once the worker is dead, drops what is written.
class StreamingWriter : public Writer {
 public:
  StreamingWriter(channel::RingWriter& ring, std::function<void()> watch)
      : frames_(ring), watch_(std::move(watch)) {}
  void write(const void* data, std::size_t size) override {
    if (buffer_.size() + size > kBuffered) flush(kMore);
    if (size > kBuffered) return send(kMore, data, size);
    const std::size_t before = buffer_.size();
    buffer_.resize(before + size);
    if (size != 0) std::memcpy(buffer_.data() + before, data, size);
  }
  void flush(std::uint32_t flags) {
    send(flags, buffer_.data(), buffer_.size());
    buffer_.clear();
  }

 private:
  static constexpr std::size_t kBuffered = 16 << 10;
  static constexpr channel::Patience kPatience{10'000'000, nullptr};

  template <class Step>
  bool patiently(const Step& step) {
    for (;;) {
      const channel::Status status = step();
      if (status == channel::Status::kOk) return true;
      if (status != channel::Status::kTimeout) return dead_ = true, false;
      watch_();
    }
  }
  void send(std::uint32_t flags, const void* data, std::size_t size) {
    if (dead_) return;
    const auto kind = first_ ? kMessage : kPart;
    first_ = false;
    if (!patiently([&] { return frames_.begin(kind, size, flags, kPatience); })) return;
    std::size_t done = 0;
    const auto append = [&] {
      const auto moved = frames_.append(static_cast<const std::byte*>(data) + done, size - done, kPatience);
      done += moved.bytes;
      return moved.status;
    };
    if (patiently(append)) patiently([&] { return frames_.end(true, kPatience); });
  }

  channel::FrameWriter frames_;
  std::function<void()> watch_;
  std::vector<std::byte> buffer_{};
  bool first_ = true;
  bool dead_ = false;
};

}  // namespace furrow::pool
