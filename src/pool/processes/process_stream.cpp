#include "pool/processes/process_stream.hpp"

#include <deque>
#include <optional>
#include <vector>

#include "pool/messages/message_workers.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kTick_ns = 100'000'000;

class ProcessStream : public detail::Stream {
 public:
  ProcessStream(RunningMap& run, const PoolOptions& options, int workers, SegmentCache& cache, bool alone);
  ~ProcessStream() override;

  void submit(void* chunk, std::uint64_t begin, std::uint64_t end) override;
  Done wait() override;
  bool take_failure(std::uint64_t index, Failure& failure) override {
    return run_.take_failure(index, failure);
  }

 private:
  struct SentChunk;
  class Handler;

  RunningMap& run_;
  SegmentCache& cache_;
  std::vector<std::unique_ptr<SentChunk>> chunks_{};  // all that were ever made, for reuse
  std::vector<SentChunk*> free_{};
  std::deque<SentChunk*> done_{};
  std::uint64_t in_flight_ = 0;
  std::unique_ptr<Handler> handler_;
  std::unique_ptr<MessageWorkers> workers_;
  std::optional<RunningMap::Waker> waker_{};
};

struct ProcessStream::SentChunk : Chunk {
  explicit SentChunk(ProcessStream& of) : stream(of) {}
  const detail::CrossCall& cross() const { return stream.run_.call.cross; }
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override {
    for (std::uint64_t index = from; index < to; ++index) cross().encode_input(chunk, index, body);
  }
  void store(std::uint64_t index, ValueReader& result) override {
    cross().store_encoded(chunk, index, result);
  }
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
  explicit Handler(const RunningMap& run) : run_(run) {}
  void begin(const WorkerContext& context) override {
    context.host.retries = run_.options.retries;
    scope_.emplace(run_.origin(context.worker), &context.host, &context.slot.published);
  }
  void handle(const MessageHead& head, bool, ValueReader& body, const WorkerContext& context) override {
    run_.call.cross.run_sent(run_.call.object, *scope_, head.begin, head.end - head.begin, body,
                             context.outbox);
  }

 private:
  const RunningMap& run_;
  std::optional<detail::TaskScope> scope_{};
};

ProcessStream::ProcessStream(RunningMap& run, const PoolOptions& options, int workers, SegmentCache& cache,
                             bool alone)
    : run_(run), cache_(cache), handler_(std::make_unique<Handler>(run)) {
  const detail::CrossCall& cross = run.call.cross;
  if (cross.input_refusal)
    throw PoolError(std::string("imap sends inputs to its worker processes: ") + cross.input_refusal);
  if (!cross.run_sent)
    throw PoolError(
        "imap sends copies of its inputs to its worker processes, and the function does not take a copy");
  workers_ = std::make_unique<MessageWorkers>(cache.take(MessageWorkers::bytes_for(workers)), workers,
                                              options, *handler_, alone);
  workers_->restarted = [this](int worker) { run_.worker_replaced(worker); };
  workers_->start();
  waker_.emplace(run, [this] { workers_->nudge(); });
}

ProcessStream::~ProcessStream() {
  waker_.reset();  // before the memory goes that it uses
  if (!workers_) return;
  if (in_flight_ == done_.size() ? workers_->end(Ending::kSoon) : workers_->end_tasks())
    cache_.put(workers_->memory().take());
}

void ProcessStream::submit(void* chunk, std::uint64_t begin, std::uint64_t end) {
  if (free_.empty()) free_.push_back(chunks_.emplace_back(std::make_unique<SentChunk>(*this)).get());
  SentChunk* const sent = free_.back();
  free_.pop_back();
  sent->chunk = chunk;
  sent->begin = begin;
  sent->end = end;
  sent->timeout_s = run_.options.timeout_s;
  sent->retries = run_.options.retries;
  ++in_flight_;
  workers_->submit(sent);
}

detail::Stream::Done ProcessStream::wait() {
  if (in_flight_ == 0) return {};
  while (done_.empty() && workers_->broken().empty()) {
    if (run_.stopped()) return {};
    workers_->pump(kTick_ns);
    if (run_.tick) run_.tick();
  }
  if (!workers_->broken().empty()) throw PoolError(workers_->broken());
  SentChunk* const sent = done_.front();
  done_.pop_front();
  --in_flight_;
  free_.push_back(sent);
  return {sent->chunk, static_cast<double>(sent->busy_ns) * 1e-9};
}

}  // namespace

std::unique_ptr<detail::Stream> open_process_stream(RunningMap& run, const PoolOptions& options, int workers,
                                                    SegmentCache& cache, bool alone) {
  return std::make_unique<ProcessStream>(run, options, workers, cache, alone);
}

}  // namespace furrow::pool
