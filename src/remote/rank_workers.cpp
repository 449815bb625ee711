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

struct RankWorkers::SplitChunk {
  pool::Chunk* chunk = nullptr;
  std::uint64_t next = 0;  // the first index that is in no slice yet
  std::uint64_t left = 0;  // how many indices are not accounted for
  std::int64_t busy_ns = 0;
  int worker = 0;
};

struct RankWorkers::Slice : pool::Chunk {
  explicit Slice(RankWorkers& of) : workers(of) {}
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override {
    if (map != 0 || workers.codec_) return source->chunk->encode(from, to, body);
    Numbering numbered(body, workers.first_worker_);
    source->chunk->encode(from, to, numbered);
  }
  void encode_map(Writer& body) override {
    if (workers.codec_) return source->chunk->encode_map(body);
    Numbering numbered(body, workers.first_worker_);
    source->chunk->encode_map(numbered);
  }
  void store(std::uint64_t index, Reader& result) override { source->chunk->store(index, result); }
  void store_block(std::uint64_t index, std::uint64_t count, std::span<const std::byte> bytes) override {
    source->chunk->store_block(index, count, bytes);
  }
  void failed(Failure failure, std::uint64_t index, int worker) override {
    source->chunk->failed(std::move(failure), index, worker + static_cast<int>(workers.first_worker_));
  }
  void done(int worker, const Times& times) override { workers.slice_done(*this, worker, times); }
  std::uint64_t index_in_map(std::uint64_t index) const override {
    return source->chunk->index_in_map(index);
  }

  RankWorkers& workers;
  SplitChunk* source = nullptr;
};

RankWorkers::RankWorkers(int workers, PoolOptions options, bool alone, pool::PayloadCodec* codec)
    : options_(std::move(options)), codec_(codec) {
  pool::MessageHandler& handler = codec ? codec->handler() : handler_;
  processes_ = std::make_unique<pool::MessageWorkers>(memory_for(workers), workers, options_, handler, alone);
}

RankWorkers::~RankWorkers() = default;

void RankWorkers::abandon() {
  processes_->end(pool::Ending::kNow);
  unsplit_indices_ = 0;
  for (auto& each : chunks_) over_.push_back(std::move(each));
  chunks_.clear();
}

void RankWorkers::submit(pool::Chunk* source) {
  auto& made = *chunks_.emplace_back(std::make_unique<SplitChunk>());
  made.chunk = source;
  made.next = source->begin;
  made.left = source->end - source->begin;
  unsplit_indices_ += made.left;
  cut();
}

bool RankWorkers::work() {
  cut();
  const bool happened = processes_->work();
  cut();
  over_.clear();
  return happened;
}

RankWorkers::Pace& RankWorkers::pace_of(std::uint64_t map) {
  for (Pace& each : paces_)
    if (each.map == map) return each;
  if (paces_.size() == kPaces) paces_.pop_front();
  return paces_.emplace_back(Pace{map});
}

std::uint64_t RankWorkers::next_size(const SplitChunk& from) {
  const std::uint64_t left = from.chunk->end - from.next;
  if (from.chunk->chunksize) return std::min(from.chunk->chunksize, left);
  const std::uint64_t fair = unsplit_indices_ / (2 * static_cast<std::uint64_t>(workers()));
  return std::min({pace_of(from.chunk->map).sizer.next(), std::max<std::uint64_t>(fair, 1), left});
}

std::size_t RankWorkers::ahead(const SplitChunk& of) {
  const double slice_ns = pace_of(of.chunk->map).index_ns * static_cast<double>(next_size(of));
  std::size_t each = kLeastAhead;
  if (slice_ns > 0)
    each =
        static_cast<std::size_t>(std::clamp(kAhead_ns / slice_ns, double{kLeastAhead}, double{kMostAhead}));
  processes_->window = each;
  return each * static_cast<std::size_t>(workers());
}

void RankWorkers::cut() {
  if (unsplit_indices_ == 0) return;
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    SplitChunk& each = *chunks_[i];
    const std::size_t most = ahead(each);
    while (each.next < each.chunk->end) {
      if (in_flight_ >= most) return;
      cut(each);
    }
  }
}

void RankWorkers::cut(SplitChunk& from) {
  if (free_.empty()) free_.push_back(slices_.emplace_back(std::make_unique<Slice>(*this)).get());
  Slice* const slice = free_.back();
  free_.pop_back();
  slice->source = &from;
  slice->begin = from.next;
  slice->end = from.next += next_size(from);
  unsplit_indices_ -= slice->end - slice->begin;
  slice->map = from.chunk->map;
  slice->items_per_index = from.chunk->items_per_index;
  slice->result_size = from.chunk->result_size;
  slice->timeout_s = from.chunk->timeout_s;
  slice->retries = from.chunk->retries;
  ++in_flight_;
  processes_->submit(slice);
}

void RankWorkers::slice_done(Slice& slice, int worker, const pool::Chunk::Times& times) {
  SplitChunk& source = *slice.source;
  const std::uint64_t indices = slice.end - slice.begin;
  const std::int64_t took_ns = times.ended_ns - times.began_ns;
  Pace& pace = pace_of(slice.map);
  pace.sizer.measured(indices, static_cast<std::uint64_t>(took_ns));
  pace.index_ns = static_cast<double>(took_ns) / static_cast<double>(indices);
  source.left -= indices;
  source.busy_ns += took_ns;
  source.worker = std::max(worker, 0) + static_cast<int>(first_worker_);
  --in_flight_;
  free_.push_back(&slice);
  finish_if_over(source);
}

void RankWorkers::finish_if_over(SplitChunk& source) {
  if (source.left > 0) return;
  const auto found =
      std::find_if(chunks_.begin(), chunks_.end(), [&](const auto& each) { return each.get() == &source; });
  over_.push_back(std::move(*found));
  chunks_.erase(found);
  source.chunk->done(source.worker, {0, source.busy_ns});
}

void RankWorkers::give_back(const Wanted& wanted, const Returned& returned) {
  std::vector<std::pair<SplitChunk*, pool::IndexRange>> taken;
  for (auto& each : chunks_) {
    const pool::IndexRange rest{each->next, each->chunk->end};
    if (rest.empty() || !wanted(*each->chunk)) continue;
    each->next = rest.end;
    unsplit_indices_ -= rest.size();
    taken.push_back({each.get(), rest});
  }
  for (pool::Chunk* each : processes_->withdraw()) {
    auto* const slice = static_cast<Slice*>(each);
    if (!wanted(*slice->source->chunk)) {
      processes_->submit(slice);
      continue;
    }
    taken.push_back({slice->source, {slice->begin, slice->end}});
    --in_flight_;
    free_.push_back(slice);
  }
  for (auto& [source, indices] : taken) {
    source->left -= indices.size();
    returned(source->chunk, indices.begin, indices.end);
  }
  std::vector<SplitChunk*> over;
  for (auto& each : chunks_)
    if (each->left == 0) over.push_back(each.get());
  for (SplitChunk* each : over) finish_if_over(*each);
}

void RankWorkers::stop(std::uint64_t id) {
  Failure cancelled = pool::cancelled("it was stopped first");
  give_back([&](const pool::Chunk& source) { return source.stop_id() == id; },
            [&](pool::Chunk* source, std::uint64_t begin, std::uint64_t end) {
              for (std::uint64_t index = begin; index < end; ++index) {
                cancelled.index = source->item_of(index, 0);
                source->failed(cancelled, index, 0);
              }
            });
  processes_->stop(id);
}

}  // namespace furrow::remote
