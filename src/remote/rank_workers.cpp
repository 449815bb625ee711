#include "remote/rank_workers.hpp"

#include <algorithm>

#include "pool/task/failure.hpp"

namespace furrow::remote {

namespace {

constexpr double kAhead_ns = 200'000;  // of work, for each worker
constexpr std::size_t kMostAhead = 256;
constexpr std::size_t kLeastAhead = 2;
constexpr std::size_t kPaces = 8;

// Writes the number of this rank's first worker into the head with which everything sent to a worker begins.
class Numbering : public Writer {
 public:
  Numbering(Writer& to, std::uint64_t first_worker) : to_(to), first_worker_(first_worker) {}
  void write(const void* data, std::size_t size) override {
    if (begun_ || size < sizeof first_worker_) return to_.write(data, size);
    begun_ = true;
    to_.write(&first_worker_, sizeof first_worker_);
    to_.write(static_cast<const std::byte*>(data) + sizeof first_worker_, size - sizeof first_worker_);
  }

 private:
  Writer& to_;
  const std::uint64_t first_worker_;
  bool begun_ = false;
};

os::SharedMemory memory_for(int workers) {
  auto segment = os::SharedMemory::create(pool::MessageWorkers::bytes_for(workers));
  if (!segment) throw PoolError(segment.error().to_string());
  return std::move(*segment);
}

}  // namespace

struct RankWorkers::Slice : pool::Chunk {
  explicit Slice(RankWorkers& of) : workers(of) {}
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override {
    if (map != 0 || workers.codec_) return source().encode(from, to, body);
    Numbering numbered(body, workers.first_worker_);
    source().encode(from, to, numbered);
  }
  void encode_map(Writer& body) override {
    if (workers.codec_) return source().encode_map(body);
    Numbering numbered(body, workers.first_worker_);
    source().encode_map(numbered);
  }
  void store(std::uint64_t index, pool::ValueReader& result) override { source().store(index, result); }
  void store_block(std::uint64_t index, std::uint64_t count, std::span<const std::byte> bytes) override {
    source().store_block(index, count, bytes);
  }
  void failed(Failure failure, std::uint64_t index, int worker) override {
    source().failed(std::move(failure), index, worker + static_cast<int>(workers.first_worker_));
  }
  void done(int worker, const Times& times) override { workers.slice_done(*this, worker, times); }
  std::uint64_t index_in_map(std::uint64_t index) const override { return source().index_in_map(index); }

  pool::Chunk& source() const { return *subchunk.chunk; }

  RankWorkers& workers;
  pool::WorkLedger::Subchunk subchunk{};
};

RankWorkers::RankWorkers(int workers, PoolOptions options, bool alone, pool::PayloadCodec* codec)
    : options_(std::move(options)), codec_(codec) {
  pool::MessageHandler& handler = codec ? codec->handler() : handler_;
  processes_ = std::make_unique<pool::MessageWorkers>(memory_for(workers), workers, options_, handler, alone);
}

RankWorkers::~RankWorkers() = default;

void RankWorkers::abandon() {
  processes_->end(pool::Ending::kNow);
  ledger_ = {};
}

void RankWorkers::submit(pool::Chunk* source) {
  ledger_.add(source);
  cut();
}

bool RankWorkers::work() {
  cut();
  const bool happened = processes_->work();
  cut();
  return happened;
}

RankWorkers::Pace& RankWorkers::pace_of(std::uint64_t map) {
  for (Pace& each : paces_)
    if (each.map == map) return each;
  if (paces_.size() == kPaces) paces_.pop_front();
  return paces_.emplace_back(Pace{map});
}

std::uint64_t RankWorkers::next_size() {
  const pool::Chunk& source = *ledger_.front().chunk;
  if (source.chunksize) return source.chunksize;
  const std::uint64_t fair = ledger_.waiting_indices() / (2 * static_cast<std::uint64_t>(workers()));
  return std::min(pace_of(source.map).sizer.next(), std::max<std::uint64_t>(fair, 1));
}

std::size_t RankWorkers::ahead() {
  const pool::WorkLedger::Subchunk& next = ledger_.front();
  const double slice_ns =
      pace_of(next.chunk->map).index_ns * static_cast<double>(std::min(next_size(), next.size()));
  std::size_t each = kLeastAhead;
  if (slice_ns > 0)
    each =
        static_cast<std::size_t>(std::clamp(kAhead_ns / slice_ns, double{kLeastAhead}, double{kMostAhead}));
  processes_->window = each;
  return each * static_cast<std::size_t>(workers());
}

void RankWorkers::cut() {
  const pool::Chunk* source = nullptr;
  for (std::size_t most = 0; ledger_.waits();) {
    if (std::exchange(source, ledger_.front().chunk) != ledger_.front().chunk) most = ahead();
    if (in_flight_ >= most) return;
    if (free_.empty()) free_.push_back(slices_.emplace_back(std::make_unique<Slice>(*this)).get());
    Slice* const slice = free_.back();
    free_.pop_back();
    slice->subchunk = ledger_.take(next_size());
    slice->be_part_of(*source, slice->subchunk.begin, slice->subchunk.end);
    ++in_flight_;
    processes_->submit(slice);
  }
}

void RankWorkers::slice_done(Slice& slice, int worker, const pool::Chunk::Times& times) {
  const std::uint64_t indices = slice.end - slice.begin;
  const std::int64_t took_ns = times.ended_ns - times.began_ns;
  Pace& pace = pace_of(slice.map);
  pace.sizer.measured(indices, static_cast<std::uint64_t>(took_ns));
  pace.index_ns = static_cast<double>(took_ns) / static_cast<double>(indices);
  --in_flight_;
  free_.push_back(&slice);
  ledger_.reported(slice.subchunk, indices);
  ledger_.over(slice.subchunk, worker + static_cast<int>(first_worker_), times);
}

void RankWorkers::give_back(const Wanted& wanted, const Returned& returned) {
  std::vector<pool::WorkLedger::Subchunk> taken = ledger_.take_all(wanted);
  for (pool::Chunk* each : processes_->withdraw()) {
    auto* const slice = static_cast<Slice*>(each);
    if (!wanted(slice->source())) {
      processes_->submit(slice);
      continue;
    }
    taken.push_back(slice->subchunk);
    --in_flight_;
    free_.push_back(slice);
  }
  for (pool::WorkLedger::Subchunk& each : taken) {
    returned(each.chunk, each.begin, each.end);
    ledger_.reported(each, each.size());
    ledger_.over(each, pool::WorkLedger::kNoWorker, {});
  }
}

void RankWorkers::stop(std::uint64_t id) {
  ledger_.stop(id);
  processes_->stop(id);
}

}  // namespace furrow::remote
