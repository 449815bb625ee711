// The records that ranks send each other. docs/design/mpi.md says what each contains.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "channel/frame.hpp"
#include "pool/messages/out_of_band_buffer.hpp"
#include "remote/bytes.hpp"

namespace furrow::remote {

enum class RecordKind : std::uint32_t {
  kOpen = 1,
  kMap,
  kChunk,
  kRecall,
  kStop,
  kClose,
  kOperation,
  kEnd,
  kForget,
  kResults = 32,
  kFailure,
  kReturned,
  kDone,
  kRestarted,
  kBroken,
  kReply,
  kEnded,
  kBlock,
  kNotice,
};

struct OpenHead {
  std::uint64_t pool;          // the Pool's number
  std::uint64_t first_worker;  // the number of this rank's first worker
  std::uint64_t first_pool;    // 1: use the workers that were made when MPI was started
  std::uint64_t workers;       // of this rank
  std::uint64_t max_tasks_per_child;
  std::uint64_t has_worker_functions;  // 1: what Opening wrote follows
};

struct ChunkHead {
  std::uint64_t request;
  std::uint64_t map;  // 0: a single call
  std::uint64_t begin, end;
  std::uint64_t chunksize;
  std::uint64_t block;
  std::uint64_t result_size;
  std::uint64_t retries;
  double timeout_s;
  std::uint64_t first;          // the index that failures report as 0
  std::uint64_t item_size = 0;  // the size of each input; kVarious: a u64 for each follows the inputs
  static constexpr std::uint64_t kVarious = ~std::uint64_t{0};
};

struct ResultsHead {
  std::uint64_t request;
  std::uint64_t index;
  std::uint64_t count;
  std::uint64_t size;  // of each result
};

struct BlockHead {
  std::uint64_t request;
  std::uint64_t index;
  std::uint64_t count;
};

struct FailureHead {
  std::uint64_t request;
  std::uint64_t index;
  std::uint64_t worker;
};

struct ReturnedHead {
  std::uint64_t request;
  std::uint64_t begin, end;
};

struct DoneHead {
  std::uint64_t request;
  std::uint64_t worker;  // one of those that ran part of it
  std::int64_t busy_ns;  // of all workers together
};

// An outgoing message and its out-of-band buffers.
class RecordWriter {
 public:
  std::vector<pool::OutOfBandBuffer> buffers{};
  // Where the next byte will be written, and the bytes written since such a mark.
  std::size_t mark() const { return bytes_.size(); }
  std::span<std::byte> since(std::size_t mark) { return {bytes_.data() + mark, bytes_.size() - mark}; }

  // A record is what is written between begin() and end().
  Writer& begin(RecordKind kind) {
    close_run();
    head_at_ = bytes_.size();
    const channel::FrameHeader head{static_cast<std::uint32_t>(kind)};
    bytes_.write(&head, sizeof head);
    return bytes_;
  }
  void end() { finish(head_at_); }
  // Instead of end(): the record is not sent.
  void drop() { bytes_.shrink_to(head_at_); }
  // Drops what was written since the mark.
  void back_to(std::size_t mark) { bytes_.shrink_to(mark); }
  template <class Payload>
  void add(RecordKind kind, const Payload& payload) {
    begin(kind).write(&payload, sizeof payload);
    end();
  }
  void add(RecordKind kind) {
    begin(kind);
    end();
  }

  // Adds one result, whose bytes WRITE_TO writes. It joins the previous record if that is possible.
  template <class WriteTo>
  void add_result(std::uint64_t request, std::uint64_t index, const WriteTo& write_to) {
    const bool follows = in_run_ && run_.request == request && run_.index + run_.count == index;
    if (!follows) open_run(request, index);
    const std::size_t before = bytes_.size();
    try {
      write_to(bytes_);
    } catch (...) {
      bytes_.shrink_to(before);
      throw;
    }
    const std::size_t size = bytes_.size() - before;
    if (run_.count > 0 && size != run_.size) return part_run(request, index, before);
    run_.size = size;
    ++run_.count;
  }

  // Adds complete records.
  void append(const Bytes& records) {
    close_run();
    bytes_.write(records.data(), records.size());
  }

  // Adds COUNT results of SIZE bytes each.
  void add_results(std::uint64_t request, std::uint64_t index, std::uint64_t count, std::size_t size,
                   const std::byte* results) {
    const bool follows = in_run_ && run_.request == request && run_.index + run_.count == index &&
                         run_.size == size && run_.count > 0;
    if (!follows) open_run(request, index);
    run_.size = size;
    run_.count += count;
    bytes_.write(results, count * size);
  }

  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }
  std::vector<pool::OutOfBandBuffer> take_buffers() { return std::exchange(buffers, {}); }
  Bytes take() {
    close_run();
    return std::exchange(bytes_, Bytes());
  }
  void reuse(Bytes bytes) {
    bytes.clear();
    if (bytes_.empty()) bytes_ = std::move(bytes);
  }

 private:
  void finish(std::size_t head_at) {
    channel::FrameHeader head;
    std::memcpy(&head, bytes_.data() + head_at, sizeof head);
    head.size = bytes_.size() - head_at - sizeof head;
    std::memcpy(bytes_.data() + head_at, &head, sizeof head);
    if (head.padding()) std::memset(bytes_.extend(head.padding()), 0, head.padding());
  }
  void open_run(std::uint64_t request, std::uint64_t index) {
    begin(RecordKind::kResults);
    run_ = {request, index, 0, 0};
    run_at_ = bytes_.size();
    bytes_.write(&run_, sizeof run_);
    in_run_ = true;
  }
  // The last result has another size than those before it: moves it into a record of its own.
  void part_run(std::uint64_t request, std::uint64_t index, std::size_t at) {
    Bytes moved;
    moved.write(bytes_.data() + at, bytes_.size() - at);
    bytes_.shrink_to(at);
    open_run(request, index);
    bytes_.write(moved.data(), moved.size());
    run_.size = moved.size();
    run_.count = 1;
  }
  void close_run() {
    if (!std::exchange(in_run_, false)) return;
    std::memcpy(bytes_.data() + run_at_, &run_, sizeof run_);
    finish(head_at_);
  }

  Bytes bytes_{};
  std::size_t head_at_ = 0;
  bool in_run_ = false;
  std::size_t run_at_ = 0;
  ResultsHead run_{};
};

// Writes a kChunk record straight into the message, since an input may be large. end() leaves out an input
// that was begun but not ended by end_input(). Borrows OUT; no other record may be begun there before end().
class ChunkWriter {
 public:
  ChunkWriter(RecordWriter& out, const ChunkHead& head)
      : out_(out), head_(head), writer_(out.begin(RecordKind::kChunk)), head_at_(out.mark()) {
    writer_.write(&head_, sizeof head_);
    inputs_at_ = input_at_ = out_.mark();
  }
  std::size_t size() const { return input_at_ - inputs_at_; }  // of all complete inputs
  Writer& next() { return writer_; }
  // What was written of the input that has not ended.
  std::span<std::byte> written() { return out_.since(input_at_); }
  void end_input() {
    const std::uint64_t size = out_.mark() - input_at_, indices = head_.end - head_.begin;
    if (indices == 0) head_.item_size = size;
    if (sizes_.empty() && size != head_.item_size) sizes_.assign(indices, head_.item_size);
    if (indices > 0 && !sizes_.empty()) sizes_.push_back(size);
    input_at_ = out_.mark();
    ++head_.end;
  }
  void end() {
    out_.back_to(input_at_);
    if (!sizes_.empty()) head_.item_size = ChunkHead::kVarious;
    writer_.write(sizes_.data(), sizes_.size() * sizeof(std::uint64_t));
    std::memcpy(out_.since(head_at_).data(), &head_, sizeof head_);
    out_.end();
  }

 private:
  RecordWriter& out_;
  ChunkHead head_;
  Writer& writer_;
  const std::size_t head_at_;
  std::size_t inputs_at_ = 0, input_at_ = 0;
  std::vector<std::uint64_t> sizes_{};  // empty while all inputs have one size
};

// Calls TAKE(kind, BytesReader) for each record of a message.
template <class Take>
void for_each_record(const Bytes& message, const Take& take) {
  const auto use = [&](const channel::FrameHeader& head, std::span<const std::byte> payload) {
    take(RecordKind{head.kind}, pool::BytesReader(payload.data(), payload.size()));
  };
  if (!channel::for_each_frame({message.data(), message.size()}, use))
    throw std::runtime_error(pool::kEndsTooEarly);
}

}  // namespace furrow::remote
