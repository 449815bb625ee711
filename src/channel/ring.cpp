#include "channel/ring.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <new>

namespace furrow::channel {

namespace {

enum : std::uint32_t { kWriterClosed = 1, kReaderClosed = 2, kAbandoned = 4 };

// Long transfers hand over a quarter of the ring at a time, so that both sides work at the same time.
std::size_t contiguous_part(std::size_t capacity) { return std::max<std::size_t>(capacity / 4, 1); }

std::int64_t worth_spinning(std::int64_t spin_ns, const std::atomic<std::uint32_t>& peers_processor) {
  return peers_processor.load(std::memory_order_relaxed) == this_processor() ? 0 : spin_ns;
}

void wake_both(RingHeader& header) {
  wake_if_parked(header.reader_waiting);
  wake_if_parked(header.writer_waiting);
}

}  // namespace

Ring Ring::create(void* memory, std::size_t capacity) {
  assert(std::has_single_bit(capacity) && capacity >= kSmallest);
  assert(reinterpret_cast<std::uintptr_t>(memory) % kAlignment == 0);
  auto* const header = new (memory) RingHeader;
  header->capacity = capacity;
  return {header, capacity};
}

Ring Ring::attach(void* memory) {
  auto* const header = static_cast<RingHeader*>(memory);
  return {header, header->capacity};
}

std::byte* Ring::at(std::uint64_t position) const {
  return reinterpret_cast<std::byte*>(header_ + 1) + (position & (capacity_ - 1));
}

void Ring::abandon() const {
  header_->state.fetch_or(kAbandoned, std::memory_order_seq_cst);
  wake_both(*header_);
}

void Ring::nudge() const { wake_both(*header_); }

void Ring::wake_anyway() const {
  channel::wake_anyway(header_->reader_waiting);
  channel::wake_anyway(header_->writer_waiting);
}

bool Ring::is_reader_parked() const { return header_->reader_waiting.load() != 0; }

RingWriter::RingWriter(Ring ring, Doorbell* doorbell, std::int64_t spin_ns)
    : ring_(ring),
      doorbell_(doorbell),
      spin_ns_(spin_ns),
      staged_(ring.header_->head.load(std::memory_order_relaxed)),
      published_(staged_),
      tail_(staged_ - ring.capacity_) {
  look();
}

// False if the reader's index is impossible.
bool RingWriter::look() {
  const std::uint64_t tail = ring_.header_->tail.load(std::memory_order_seq_cst);
  if (tail - tail_ > published_ - tail_) return false;
  tail_ = tail;
  return true;
}

Status RingWriter::room_for(std::size_t size) {
  const std::uint32_t state = ring_.header_->state.load(std::memory_order_seq_cst);
  if (state & kReaderClosed) return Status::kClosed;
  if (state & kAbandoned) return Status::kPeerDied;
  if (ring_.capacity_ - (staged_ - tail_) >= size) return Status::kOk;
  if (!look()) return Status::kTorn;
  return ring_.capacity_ - (staged_ - tail_) >= size ? Status::kOk : Status::kTimeout;
}

std::size_t RingWriter::free_bytes() {
  look();
  return ring_.capacity_ - (staged_ - tail_);
}

Status RingWriter::wait_space(std::size_t size, const Patience& patience) {
  assert(size <= ring_.capacity_);
  const Status status = room_for(size);
  if (status != Status::kTimeout) return status;
  publish();  // otherwise each side would wait for the other
  const std::int64_t spin_ns = worth_spinning(spin_ns_, ring_.header_->reader_processor);
  return wait_until(ring_.header_->writer_waiting, patience, spin_ns, [&] { return room_for(size); });
}

std::span<std::byte> RingWriter::space() {
  const std::size_t room = ring_.capacity_ - (staged_ - tail_);
  return {ring_.at(staged_), std::min(room, ring_.until_wrap(staged_))};
}

Transfer RingWriter::write(const void* bytes, std::size_t size, const Patience& patience) {
  const auto* const from = static_cast<const std::byte*>(bytes);
  const std::size_t part = contiguous_part(ring_.capacity_);
  std::size_t done = 0;
  while (done < size) {
    if (const Status status = wait_space(1, patience); status != Status::kOk) return {status, done};
    const auto room = space();
    const std::size_t now = std::min({room.size(), size - done, part});
    std::memcpy(room.data(), from + done, now);
    advance(now);
    done += now;
    if (staged_ - published_ >= part && done < size) publish();
  }
  return {Status::kOk, done};
}

void RingWriter::publish() {
  if (staged_ == published_) return;
  published_ = staged_;
  ring_.header_->writer_processor.store(this_processor(), std::memory_order_relaxed);
  ring_.header_->head.store(staged_, std::memory_order_seq_cst);
  wake_if_parked(ring_.header_->reader_waiting);
  if (doorbell_) doorbell_->ring();
}

void RingWriter::close() {
  publish();
  ring_.header_->state.fetch_or(kWriterClosed, std::memory_order_seq_cst);
  wake_if_parked(ring_.header_->reader_waiting);
  if (doorbell_) doorbell_->ring();
}

RingReader::RingReader(Ring ring, Doorbell* doorbell, std::int64_t spin_ns)
    : ring_(ring),
      doorbell_(doorbell),
      spin_ns_(spin_ns),
      head_(ring.header_->tail.load(std::memory_order_relaxed)),
      tail_(head_),
      released_(head_) {}

// False if the writer's index is impossible.
bool RingReader::look() {
  const std::uint64_t head = ring_.header_->head.load(std::memory_order_seq_cst);
  if (head - tail_ > ring_.capacity_ || head - tail_ < head_ - tail_) return false;
  head_ = head;
  return true;
}

Status RingReader::has(std::size_t size) {
  if (head_ - tail_ >= size) return Status::kOk;
  if (!look()) return Status::kTorn;
  if (head_ - tail_ >= size) return Status::kOk;
  const std::uint32_t state = ring_.header_->state.load(std::memory_order_seq_cst);
  if ((state & (kWriterClosed | kAbandoned)) == 0) return Status::kTimeout;
  if (!look()) return Status::kTorn;  // what it wrote before it closed or died
  if (head_ - tail_ >= size) return Status::kOk;
  return state & kWriterClosed ? Status::kClosed : Status::kPeerDied;
}

std::size_t RingReader::readable() {
  look();
  return head_ - tail_;
}

Status RingReader::wait(std::size_t size, const Patience& patience) {
  assert(size <= ring_.capacity_);
  const Status status = has(size);
  if (status != Status::kTimeout) return status;
  release();  // otherwise each side would wait for the other
  const std::int64_t spin_ns = worth_spinning(spin_ns_, ring_.header_->writer_processor);
  return wait_until(ring_.header_->reader_waiting, patience, spin_ns, [&] { return has(size); });
}

std::span<const std::byte> RingReader::available() {
  if (head_ == tail_) look();
  return {ring_.at(tail_), std::min<std::size_t>(head_ - tail_, ring_.until_wrap(tail_))};
}

void RingReader::advance(std::size_t size) {
  assert(size <= head_ - tail_);
  tail_ += size;
}

void RingReader::release() {
  if (released_ == tail_) return;
  released_ = tail_;
  ring_.header_->reader_processor.store(this_processor(), std::memory_order_relaxed);
  ring_.header_->tail.store(tail_, std::memory_order_seq_cst);
  wake_if_parked(ring_.header_->writer_waiting);
  if (doorbell_) doorbell_->ring();
}

void RingReader::release_in_batches() {
  if (tail_ - released_ >= contiguous_part(ring_.capacity_)) release();
}

template <class Use>
Transfer RingReader::take(std::size_t size, const Patience& patience, Use use) {
  std::size_t done = 0;
  while (done < size) {
    if (const Status status = wait(1, patience); status != Status::kOk) return {status, done};
    const auto part = available();
    const std::size_t now = std::min({part.size(), size - done, contiguous_part(ring_.capacity_)});
    use(done, part.data(), now);
    advance(now);
    release();
    done += now;
  }
  return {Status::kOk, done};
}

Transfer RingReader::read(void* to, std::size_t size, const Patience& patience) {
  return take(size, patience, [to](std::size_t done, const std::byte* from, std::size_t n) {
    std::memcpy(static_cast<std::byte*>(to) + done, from, n);
  });
}

Transfer RingReader::skip(std::size_t size, const Patience& patience) {
  return take(size, patience, [](std::size_t, const std::byte*, std::size_t) {});
}

void RingReader::close() {
  ring_.header_->state.fetch_or(kReaderClosed, std::memory_order_seq_cst);
  wake_if_parked(ring_.header_->writer_waiting);
  if (doorbell_) doorbell_->ring();
}

}  // namespace furrow::channel
