#include "pool/processes/process_stream.hpp"

#include <deque>
#include <optional>
#include <vector>

#include "pool/messages/message_crew.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kTick_ns = 100'000'000;

class ProcessStream : public detail::Stream {
 public:
  ProcessStream(MapRun& run, const PoolOptions& options, int workers, SegmentShelf& shelf, bool alone);
  ~ProcessStream() override;

  void submit(void* chunk, std::uint64_t begin, std::uint64_t end) override;
  Done wait() override;
  bool take_failure(std::uint64_t index, Failure& failure) override {
    return run_.take_failure(index, failure);
  }

 private:
  struct Chunk;
  class Handler;

  MapRun& run_;
  SegmentShelf& shelf_;
  std::vector<std::unique_ptr<Chunk>> chunks_{};  // all there ever were: used again
  std::vector<Chunk*> free_{};
  std::deque<Chunk*> done_{};
  std::uint64_t under_way_ = 0;
  std::unique_ptr<Handler> handler_;
  std::unique_ptr<MessageCrew> crew_;
};

struct ProcessStream::Chunk : Parcel {
  explicit Chunk(ProcessStream& of) : stream(of) {}
  const detail::CrossCall& cross() const { return stream.run_.call.cross; }
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override {
    for (std::uint64_t unit = from; unit < to; ++unit) cross().encode_input(chunk, unit, body);
  }
  void store(std::uint64_t unit, Reader& result) override { cross().store_encoded(chunk, unit, result); }
  void failed(Failure failure, std::uint64_t, int worker) override {
    stream.run_.record(std::move(failure), worker);
  }
  void done(int worker, const Times& times) override {
    busy_ns = times.ended_ns - times.began_ns;
    stream.done_.push_back(this);
    stream.run_.chunk_done({worker, {begin, end}, times.began_ns, times.ended_ns});
  }

  ProcessStream& stream;
  void* chunk = nullptr;
  std::int64_t busy_ns = 0;
};

class ProcessStream::Handler : public MessageHandler {
 public:
  explicit Handler(const MapRun& run) : run_(run) {}
  void begin(const WorkerDesk& desk) override {
    desk.host.retries = run_.options.retries;
    scope_.emplace(desk.worker, run_.seed, run_.number, &desk.host);
    scope_->share = run_.share;
    scope_->published = &desk.slot.published;
  }
  void handle(const MessageHead& head, bool, Reader& body, const WorkerDesk& desk) override {
    run_.call.cross.run_sent(run_.call.object, *scope_, head.begin, head.end - head.begin, body, desk.outbox);
  }

 private:
  const MapRun& run_;
  std::optional<detail::TaskScope> scope_{};
};

ProcessStream::ProcessStream(MapRun& run, const PoolOptions& options, int workers, SegmentShelf& shelf,
                             bool alone)
    : run_(run), shelf_(shelf), handler_(std::make_unique<Handler>(run)) {
  const detail::CrossCall& cross = run.call.cross;
  if (cross.input_refusal)
    throw PoolError(std::string("imap sends inputs to its worker processes: ") + cross.input_refusal);
  if (!cross.run_sent)
    throw PoolError(
        "imap sends copies of its inputs to its worker processes, and the function does not take a copy");
  crew_ = std::make_unique<MessageCrew>(shelf.take(MessageCrew::bytes_for(workers)), workers, options,
                                        *handler_, alone);
  crew_->restarted = [this](int worker) {
    for (MapObserver* each : run_.observers) each->on_restart(worker);
  };
  crew_->start();
}

ProcessStream::~ProcessStream() {
  if (crew_ && crew_->end(under_way_ == done_.size() ? Ending::kSoon : Ending::kNow))
    shelf_.put(crew_->memory().take());
}

void ProcessStream::submit(void* chunk, std::uint64_t begin, std::uint64_t end) {
  if (free_.empty()) free_.push_back(chunks_.emplace_back(std::make_unique<Chunk>(*this)).get());
  Chunk* const parcel = free_.back();
  free_.pop_back();
  parcel->chunk = chunk;
  parcel->begin = begin;
  parcel->end = end;
  parcel->timeout_s = run_.options.timeout_s;
  parcel->retries = run_.options.retries;
  ++under_way_;
  crew_->submit(parcel);
}

detail::Stream::Done ProcessStream::wait() {
  if (under_way_ == 0) return {};
  while (done_.empty() && crew_->broken().empty()) {
    crew_->pump(kTick_ns);
    if (run_.tick) run_.tick();
  }
  if (!crew_->broken().empty()) throw PoolError(crew_->broken());
  Chunk* const parcel = done_.front();
  done_.pop_front();
  --under_way_;
  free_.push_back(parcel);
  return {parcel->chunk, static_cast<double>(parcel->busy_ns) * 1e-9};
}

}  // namespace

std::unique_ptr<detail::Stream> open_process_stream(MapRun& run, const PoolOptions& options, int workers,
                                                    SegmentShelf& shelf, bool alone) {
  return std::make_unique<ProcessStream>(run, options, workers, shelf, alone);
}

}  // namespace furrow::pool
