// The records that ranks send each other. docs/design/mpi.md has the table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mpi/bytes.hpp"
#include "pool/messages/beside.hpp"

namespace furrow::mpi_detail {

enum class RecordKind : std::uint32_t {
  kOpen = 1,
  kJob,
  kStretch,
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
};

struct RecordHead {
  RecordKind kind;
  std::uint32_t flags = 0;
  std::uint64_t size;  // of the payload
};
static_assert(sizeof(RecordHead) == 16);

struct OpenHead {
  std::uint64_t pool;          // its number
  std::uint64_t first_worker;  // of this rank
  std::uint64_t first_pool;    // 1: the workers are those that were made with MPI
  std::uint64_t workers;       // for each rank; 0: chosen by the rank
  std::uint64_t max_tasks_per_child;
  std::uint64_t has_initializer;  // 1: its place and what it is bound to follow
};

struct StretchHead {
  std::uint64_t ticket;
  std::uint64_t job;  // 0: a single call
  std::uint64_t begin, end;
  std::uint64_t chunksize;
  std::uint64_t block;
  std::uint64_t result_size;
  std::uint64_t retries;
  double timeout_s;
  std::uint64_t first;          // the unit whose index is 0, as failures count
  std::uint64_t item_size = 0;  // of each unit's input; kVarious: a u64 for each comes behind them
  static constexpr std::uint64_t kVarious = ~std::uint64_t{0};
};

struct ResultsHead {
  std::uint64_t ticket;
  std::uint64_t unit;
  std::uint64_t count;
  std::uint64_t size;  // of each
};

struct BlockHead {
  std::uint64_t ticket;
  std::uint64_t unit;
  std::uint64_t count;
};

struct FailureHead {
  std::uint64_t ticket;
  std::uint64_t unit;
  std::uint64_t worker;
};

struct ReturnedHead {
  std::uint64_t ticket;
  std::uint64_t begin, end;
};

struct DoneHead {
  std::uint64_t ticket;
  std::uint64_t worker;  // one that had a part in it
  std::int64_t busy_ns;  // of all workers
};

// An outgoing message, and what lies beside it.
class Batch {
 public:
  std::vector<pool::Beside> beside{};
  // Where the next byte of the record that was begun will be, and the bytes from such a place on.
  std::size_t mark() const { return bytes_.size(); }
  std::span<std::byte> since(std::size_t mark) { return {bytes_.data() + mark, bytes_.size() - mark}; }

  // A record is what is written between the two.
  Writer& begin(RecordKind kind) {
    close_run();
    head_at_ = bytes_.size();
    const RecordHead head{kind, 0, 0};
    bytes_.write(&head, sizeof head);
    return bytes_;
  }
  void end() { finish(head_at_); }
  // Instead of end(): the record is not sent.
  void drop() { bytes_.shrink_to(head_at_); }
  // What was written from such a place on is not.
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

  // One result, whose bytes WRITE_TO puts there; it joins the record before where it can.
  template <class WriteTo>
  void add_result(std::uint64_t ticket, std::uint64_t unit, const WriteTo& write_to) {
    const bool follows = in_run_ && run_.ticket == ticket && run_.unit + run_.count == unit;
    if (!follows) open_run(ticket, unit);
    const std::size_t before = bytes_.size();
    try {
      write_to(bytes_);
    } catch (...) {
      bytes_.shrink_to(before);  // its writer died, or took it back
      throw;
    }
    const std::size_t size = bytes_.size() - before;
    if (run_.count > 0 && size != run_.size) return part_run(ticket, unit, before);
    run_.size = size;
    ++run_.count;
  }

  // Whole records.
  void append(const Bytes& records) {
    close_run();
    bytes_.write(records.data(), records.size());
  }

  // The same of COUNT results, SIZE bytes each.
  void add_results(std::uint64_t ticket, std::uint64_t unit, std::uint64_t count, std::size_t size,
                   const std::byte* results) {
    const bool follows = in_run_ && run_.ticket == ticket && run_.unit + run_.count == unit &&
                         run_.size == size && run_.count > 0;
    if (!follows) open_run(ticket, unit);
    run_.size = size;
    run_.count += count;
    bytes_.write(results, count * size);
  }

  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }
  std::vector<pool::Beside> take_beside() { return std::exchange(beside, {}); }
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
    const std::uint64_t size = bytes_.size() - head_at - sizeof(RecordHead);
    std::memcpy(bytes_.data() + head_at + offsetof(RecordHead, size), &size, sizeof size);
    const std::size_t padding = static_cast<std::size_t>(-size % 16);
    if (padding) std::memset(bytes_.extend(padding), 0, padding);
  }
  void open_run(std::uint64_t ticket, std::uint64_t unit) {
    begin(RecordKind::kResults);
    run_ = {ticket, unit, 0, 0};
    run_at_ = bytes_.size();
    bytes_.write(&run_, sizeof run_);
    in_run_ = true;
  }
  // The last result is of another size: it moves behind a head of its own.
  void part_run(std::uint64_t ticket, std::uint64_t unit, std::size_t at) {
    Bytes moved;
    moved.write(bytes_.data() + at, bytes_.size() - at);
    bytes_.shrink_to(at);
    open_run(ticket, unit);
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

// A kStretch that is being written, straight into the message: an input may be large. Only whole units count:
// end() leaves out what was written of one without end_unit(). Borrows OUT, in which it is the last record.
class StretchWriter {
 public:
  StretchWriter(Batch& out, const StretchHead& head)
      : out_(out), head_(head), writer_(out.begin(RecordKind::kStretch)), head_at_(out.mark()) {
    writer_.write(&head_, sizeof head_);
    inputs_at_ = unit_at_ = out_.mark();
  }
  std::size_t size() const { return unit_at_ - inputs_at_; }  // of all inputs
  Writer& next() { return writer_; }
  // Of the unit that has not ended.
  std::span<std::byte> written() { return out_.since(unit_at_); }
  void end_unit() {
    const std::uint64_t size = out_.mark() - unit_at_, units = head_.end - head_.begin;
    if (units == 0) head_.item_size = size;
    if (sizes_.empty() && size != head_.item_size) sizes_.assign(units, head_.item_size);
    if (units > 0 && !sizes_.empty()) sizes_.push_back(size);
    unit_at_ = out_.mark();
    ++head_.end;
  }
  void end() {
    out_.back_to(unit_at_);
    if (!sizes_.empty()) head_.item_size = StretchHead::kVarious;
    writer_.write(sizes_.data(), sizes_.size() * sizeof(std::uint64_t));
    std::memcpy(out_.since(head_at_).data(), &head_, sizeof head_);
    out_.end();
  }

 private:
  Batch& out_;
  StretchHead head_;
  Writer& writer_;
  const std::size_t head_at_;
  std::size_t inputs_at_ = 0, unit_at_ = 0;
  std::vector<std::uint64_t> sizes_{};  // empty: all have one
};

// Calls TAKE(kind, BytesReader) for each record of a message.
template <class Take>
void for_each_record(const Bytes& message, const Take& take) {
  BytesReader reader(message.data(), message.size());
  while (reader.remaining() > 0) {
    const auto head = reader.take<RecordHead>();
    const std::byte* const payload = reader.skip(head.size);
    reader.skip(static_cast<std::size_t>(-head.size % 16));
    take(head.kind, BytesReader(payload, head.size));
  }
}

}  // namespace furrow::mpi_detail
