#include "pool/workers/parts_reader.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace furrow::pool {

namespace {

constexpr std::int64_t kBetweenLooks_ns = 10'000'000;

}  // namespace

template <class Step>
void PartsReader::patiently(const Step& step) {
  for (;;) {
    const channel::Status status = step();
    if (status == channel::Status::kOk) return;
    if (status != channel::Status::kTimeout) throw ValueTorn{};
    watch_();
  }
}

void PartsReader::next_part() {
  if (frames_.in_frame())
    patiently([&] { return frames_.skip({kBetweenLooks_ns, nullptr}); });  // this frame is read to its end
  if (flags_ != kMore) throw std::runtime_error(kEndsTooEarly);
  channel::FrameHeader header;
  patiently([&] { return frames_.peek(header, {kBetweenLooks_ns, nullptr}); });
  if (header.kind != kPart) throw ValueTorn{};
  flags_ = header.flags;
}

// Nearly all values are small, and there already.
void PartsReader::read(void* data, std::size_t size) {
  const auto here = frames_.contiguous();
  if (here.size() < size) return read_slowly(static_cast<std::byte*>(data), size);
  if (size == 0) return;
  std::memcpy(data, here.data(), size);
  frames_.consume(size);
}

void PartsReader::read_slowly(std::byte* to, std::size_t size) {
  while (size > 0) {
    while (frames_.remaining() == 0) {
      next_part();
      if (flags_ == kDropped) throw ValueDropped{};
    }
    const std::size_t part = std::min<std::uint64_t>(size, frames_.remaining());
    std::size_t done = 0;
    patiently([&] {
      const auto moved = frames_.read(to + done, part - done, {kBetweenLooks_ns, nullptr});
      done += moved.bytes;
      return moved.status;
    });
    to += part;
    size -= part;
  }
}

std::uint64_t PartsReader::remaining() const {
  return flags_ == kMore ? std::numeric_limits<std::uint64_t>::max() : frames_.remaining();
}

void PartsReader::copy_rest(Writer& to) {
  for (;;) {
    to.expect(frames_.remaining());
    while (frames_.remaining() > 0) {
      const auto part = frames_.contiguous();
      if (part.empty()) {
        patiently([&] { return frames_.wait({kBetweenLooks_ns, nullptr}); });
        continue;
      }
      to.write(part.data(), part.size());
      frames_.consume(part.size());
    }
    if (flags_ != kMore) return;
    next_part();
    if (flags_ == kDropped) throw ValueDropped{};
  }
}

void PartsReader::skip_rest() {
  for (;;) {
    if (frames_.in_frame()) patiently([&] { return frames_.skip({kBetweenLooks_ns, nullptr}); });
    if (flags_ != kMore) return;
    next_part();
  }
}

}  // namespace furrow::pool
