#include "channel/frame.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace furrow::channel {

namespace {

// A stream that ends inside a frame has torn it.
Status within_frame(Status status) {
  return status == Status::kClosed || status == Status::kPeerDied ? Status::kTorn : status;
}

}  // namespace

Status FrameWriter::begin(std::uint32_t kind, std::uint64_t size, std::uint32_t flags,
                          const Patience& patience) {
  assert(remaining_ == 0 && padding_ == 0);
  if (const Status status = ring_.wait_space(FrameHeader::kBytes, patience); status != Status::kOk)
    return status;
  const FrameHeader header{kind, flags, size};
  std::memcpy(ring_.space().data(), &header, sizeof header);  // contiguous: frames begin at multiples of 16
  ring_.advance(sizeof header);
  remaining_ = size;
  padding_ = header.padding();
  return Status::kOk;
}

Transfer FrameWriter::append(const void* bytes, std::size_t size, const Patience& patience) {
  assert(size <= remaining_);
  const Transfer transfer = ring_.write(bytes, size, patience);
  remaining_ -= transfer.bytes;
  return transfer;
}

Status FrameWriter::end(bool publish, const Patience& patience) {
  assert(remaining_ == 0);
  if (padding_ != 0) {
    const std::byte zeros[FrameHeader::kBytes] = {};
    const Transfer transfer = ring_.write(zeros, padding_, patience);
    padding_ -= transfer.bytes;
    if (transfer.status != Status::kOk) return transfer.status;
  }
  if (publish) ring_.publish();
  return Status::kOk;
}

Transfer FrameWriter::send(std::uint32_t kind, std::span<const std::byte> payload, std::uint32_t flags,
                           const Patience& patience) {
  if (const Status status = begin(kind, payload.size(), flags, patience); status != Status::kOk)
    return {status, 0};
  Transfer transfer = append(payload.data(), payload.size(), patience);
  if (transfer.status == Status::kOk) transfer.status = end(true, patience);
  return transfer;
}

std::span<std::byte> FrameWriter::contiguous() {
  const auto room = ring_.space();
  return room.first(static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), remaining_)));
}

void FrameWriter::advance(std::size_t size) {
  assert(size <= remaining_);
  ring_.advance(size);
  remaining_ -= size;
}

bool FrameWriter::fits(std::uint64_t size) {
  if (size > ring_.ring().capacity()) return false;
  const std::uint64_t padded = size + FrameHeader{0, 0, size}.padding();
  return ring_.has_space(padded + FrameHeader::kBytes);
}

Status FrameReader::peek(FrameHeader& header, const Patience& patience) {
  if (!in_frame_) {
    const Status status = ring_.wait(padding_ + FrameHeader::kBytes, patience);
    if (status == Status::kClosed || status == Status::kPeerDied)
      return ring_.readable() > padding_ ? Status::kTorn : status;
    if (status != Status::kOk) return status;
    ring_.advance(padding_);
    padding_ = 0;
    std::memcpy(&header_, ring_.available().data(), sizeof header_);
    if (header_.size > largest_) return Status::kTorn;
    ring_.advance(sizeof header_);
    remaining_ = header_.size;
    padding_ = header_.padding();
    in_frame_ = true;
  }
  header = header_;
  return Status::kOk;
}

std::optional<std::span<const std::byte>> FrameReader::whole(FrameHeader& header) {
  if (in_frame_ || padding_ != 0) return std::nullopt;
  const auto here = ring_.available();
  if (here.size() < FrameHeader::kBytes) return std::nullopt;
  std::memcpy(&header, here.data(), sizeof header);
  const std::size_t most = here.size() - FrameHeader::kBytes;
  if (header.size > std::min<std::uint64_t>(most, largest_) || header.padding() > most - header.size)
    return std::nullopt;
  return here.subspan(FrameHeader::kBytes, static_cast<std::size_t>(header.size));
}

void FrameReader::pass(const FrameHeader& header) {
  ring_.advance(FrameHeader::kBytes + static_cast<std::size_t>(header.size) + header.padding());
  give_back();
}

void FrameReader::give_back() {
  if (batches_)
    ring_.release_in_batches();
  else
    ring_.release();
}

void FrameReader::used(std::size_t size) {
  remaining_ -= size;
  if (remaining_ == 0) {
    in_frame_ = false;
    if (ring_.readable() >= padding_) {
      ring_.advance(padding_);
      padding_ = 0;
    }
  }
  give_back();
}

Transfer FrameReader::read(void* to, std::size_t size, const Patience& patience) {
  assert(in_frame_ && size <= remaining_);
  if (const auto part = contiguous(); part.size() >= size) {
    if (size != 0) std::memcpy(to, part.data(), size);
    consume(size);
    return {Status::kOk, size};
  }
  Transfer transfer = ring_.read(to, size, patience);
  transfer.status = within_frame(transfer.status);
  used(transfer.bytes);
  return transfer;
}

Status FrameReader::skip(const Patience& patience) {
  assert(in_frame_);
  const Transfer transfer = ring_.skip(static_cast<std::size_t>(remaining_), patience);
  used(transfer.bytes);
  return within_frame(transfer.status);
}

Status FrameReader::wait(const Patience& patience) {
  assert(in_frame_ && remaining_ != 0);
  return within_frame(ring_.wait(1, patience));
}

std::span<const std::byte> FrameReader::contiguous() {
  if (remaining_ == 0) return {};
  const auto part = ring_.available();
  return part.first(static_cast<std::size_t>(std::min<std::uint64_t>(part.size(), remaining_)));
}

void FrameReader::consume(std::size_t size) {
  assert(in_frame_ && size <= remaining_);
  ring_.advance(size);
  used(size);
}

}  // namespace furrow::channel
