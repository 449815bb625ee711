// imap on persistent workers: the function is sent once to each worker, and inputs are sent in chunks of one
// map.
#include <deque>

#include "pool/messages/sent_work.hpp"
#include "pool/processes/persistent_workers.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kTick_ns = 100'000'000;

}  // namespace

class PersistentWorkers::ChunkStream : public detail::Stream {
 public:
  ChunkStream(PersistentWorkers& workers, RunningMap& run, std::uint64_t map)
      : workers_(workers), run_(run), map_(map), waker_(run, [&workers] { workers.workers_->nudge(); }) {}
  ~ChunkStream() override;

  void submit(void* chunk, std::uint64_t begin, std::uint64_t end) override;
  Done wait() override;
  bool take_failure(std::uint64_t index, Failure& failure) override {
    return run_.take_failure(index, failure);
  }

 private:
  struct SentChunk;

  PersistentWorkers& workers_;
  RunningMap& run_;
  const std::uint64_t map_;
  std::vector<std::unique_ptr<SentChunk>> chunks_{};  // all that were ever made, for reuse
  std::vector<SentChunk*> free_{};
  std::deque<SentChunk*> done_{};
  std::uint64_t in_flight_ = 0;
  const RunningMap::Waker waker_;
};

struct PersistentWorkers::ChunkStream::SentChunk : Chunk {
  explicit SentChunk(ChunkStream& of) : stream(of) {}
  const detail::CrossCall& cross() const { return stream.run_.call.cross; }
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override {
    for (std::uint64_t index = from; index < to; ++index) cross().encode_input(chunk, index, body);
  }
  void encode_map(Writer& body) override { pool::encode_map(stream.run_, body); }
  void store(std::uint64_t index, ValueReader& result) override {
    cross().store_encoded(chunk, index, result);
  }
  void store_block(std::uint64_t index, std::uint64_t count, std::span<const std::byte> bytes) override {
    cross().store_plain(chunk, index, index + count, bytes.data());
  }
  void failed(Failure failure, std::uint64_t, int worker) override {
    stream.run_.record(std::move(failure), worker);
  }
  void done(int worker, const Times& times) override {
    busy_ns = times.ended_ns - times.began_ns;
    stream.done_.push_back(this);
    stream.run_.chunk_done({worker, {begin, end}, times.began_ns, times.ended_ns});
  }

  ChunkStream& stream;
  void* chunk = nullptr;
  std::int64_t busy_ns = 0;
};

PersistentWorkers::ChunkStream::~ChunkStream() {
  try {
    workers_.in_turn([&] {
      while (done_.size() < in_flight_ && workers_.workers_->broken().empty()) {
        workers_.workers_->stop(map_);
        workers_.workers_->pump(kTick_ns);
      }
    });
  } catch (
      const PoolError&) {  // in a callback, or in a worker that inherited this, nothing can be waited for
  }
}

void PersistentWorkers::ChunkStream::submit(void* chunk, std::uint64_t begin, std::uint64_t end) {
  if (free_.empty()) free_.push_back(chunks_.emplace_back(std::make_unique<SentChunk>(*this)).get());
  SentChunk* const sent = free_.back();
  free_.pop_back();
  sent->chunk = chunk;
  sent->begin = begin;
  sent->end = end;
  sent->map = map_;
  sent->chunksize = run_.options.chunksize;
  sent->result_size = run_.call.cross.store_plain ? run_.call.cross.result_size : 0;
  sent->timeout_s = run_.options.timeout_s;
  sent->retries = run_.options.retries;
  ++in_flight_;
  workers_.in_turn([&] { workers_.workers_->submit(sent); });
}

detail::Stream::Done PersistentWorkers::ChunkStream::wait() {
  if (in_flight_ == 0) return {};
  while (done_.empty()) {
    if (run_.stopped()) return {};
    workers_.in_turn([&] {
      workers_.take_incoming();
      if (done_.empty() && !run_.stopped()) workers_.workers_->pump(kTick_ns);
      if (done_.empty() && !workers_.workers_->broken().empty()) throw PoolError(workers_.workers_->broken());
    });
    if (run_.tick) run_.tick();
  }
  SentChunk* const sent = done_.front();
  done_.pop_front();
  --in_flight_;
  free_.push_back(sent);
  return {sent->chunk, static_cast<double>(sent->busy_ns) * 1e-9};
}

std::unique_ptr<detail::Stream> PersistentWorkers::open(RunningMap& run) {
  check(run.call);
  std::uint64_t map = 0;
  in_turn([&] { map = ++maps_; });
  return std::make_unique<ChunkStream>(*this, run, map);
}

}  // namespace furrow::pool
