// imap on a standing crew: the function is sent once, and chunks of inputs as parcels of one job.
#include <deque>

#include "pool/messages/sent_work.hpp"
#include "pool/processes/standing_crew.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kTick_ns = 100'000'000;

}  // namespace

class StandingCrew::Chunks : public detail::Stream {
 public:
  Chunks(StandingCrew& crew, MapRun& run, std::uint64_t job) : crew_(crew), run_(run), job_(job) {}
  ~Chunks() override;

  void submit(void* chunk, std::uint64_t begin, std::uint64_t end) override;
  Done wait() override;
  bool take_failure(std::uint64_t index, Failure& failure) override {
    return run_.take_failure(index, failure);
  }

 private:
  struct Chunk;

  StandingCrew& crew_;
  MapRun& run_;
  const std::uint64_t job_;
  std::vector<std::unique_ptr<Chunk>> chunks_{};  // all there ever were: used again
  std::vector<Chunk*> free_{};
  std::deque<Chunk*> done_{};
  std::uint64_t under_way_ = 0;
};

struct StandingCrew::Chunks::Chunk : Parcel {
  explicit Chunk(Chunks& of) : stream(of) {}
  const detail::CrossCall& cross() const { return stream.run_.call.cross; }
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override {
    for (std::uint64_t unit = from; unit < to; ++unit) cross().encode_input(chunk, unit, body);
  }
  void encode_job(Writer& body) override { pool::encode_job(stream.run_, body); }
  void store(std::uint64_t unit, Reader& result) override { cross().store_encoded(chunk, unit, result); }
  void store_block(std::uint64_t unit, std::uint64_t count, std::span<const std::byte> bytes) override {
    cross().store_plain(chunk, unit, unit + count, bytes.data());
  }
  void failed(Failure failure, std::uint64_t, int worker) override {
    stream.run_.record(std::move(failure), worker);
  }
  void done(int worker, const Times& times) override {
    busy_ns = times.ended_ns - times.began_ns;
    stream.done_.push_back(this);
    stream.run_.chunk_done({std::max(worker, 0), {begin, end}, times.began_ns, times.ended_ns});
  }

  Chunks& stream;
  void* chunk = nullptr;
  std::int64_t busy_ns = 0;
};

StandingCrew::Chunks::~Chunks() {
  try {
    crew_.in_turn([&] {
      while (done_.size() < under_way_ && crew_.crew_->broken().empty()) {
        crew_.crew_->stop(job_);
        crew_.crew_->pump(kTick_ns);
      }
    });
  } catch (
      const PoolError&) {  // in a callback, or a worker that inherited it: nothing of ours can be waited for
  }
}

void StandingCrew::Chunks::submit(void* chunk, std::uint64_t begin, std::uint64_t end) {
  if (free_.empty()) free_.push_back(chunks_.emplace_back(std::make_unique<Chunk>(*this)).get());
  Chunk* const parcel = free_.back();
  free_.pop_back();
  parcel->chunk = chunk;
  parcel->begin = begin;
  parcel->end = end;
  parcel->job = job_;
  parcel->chunksize = run_.options.chunksize;
  parcel->result_size = run_.call.cross.store_plain ? run_.call.cross.result_size : 0;
  parcel->timeout_s = run_.options.timeout_s;
  parcel->retries = run_.options.retries;
  ++under_way_;
  crew_.in_turn([&] { crew_.crew_->submit(parcel); });
}

detail::Stream::Done StandingCrew::Chunks::wait() {
  if (under_way_ == 0) return {};
  while (done_.empty()) {
    crew_.in_turn([&] {
      crew_.take_incoming();
      if (done_.empty()) crew_.crew_->pump(kTick_ns);
      if (done_.empty() && !crew_.crew_->broken().empty()) throw PoolError(crew_.crew_->broken());
    });
    if (run_.tick) run_.tick();
  }
  Chunk* const parcel = done_.front();
  done_.pop_front();
  --under_way_;
  free_.push_back(parcel);
  return {parcel->chunk, static_cast<double>(parcel->busy_ns) * 1e-9};
}

std::unique_ptr<detail::Stream> StandingCrew::open(MapRun& run) {
  check(run.call);
  std::uint64_t job = 0;
  in_turn([&] { job = ++jobs_; });
  return std::make_unique<Chunks>(*this, run, job);
}

}  // namespace furrow::pool
