#include "pool/serial_engine.hpp"

#include <deque>

#include "pool/map/participant.hpp"

namespace furrow::pool {

namespace {

// Runs a chunk when it is waited for.
class SerialStream : public detail::Stream {
 public:
  explicit SerialStream(MapRun& run) : run_(run) {}
  void submit(void* chunk, std::uint64_t begin, std::uint64_t end) override {
    queue_.push_back({chunk, {begin, end}});
  }
  Done wait() override {
    if (queue_.empty()) return {};
    const auto [chunk, units] = queue_.front();
    queue_.pop_front();
    detail::TaskScope scope(0, run_.seed, run_.number, &run_);
    scope.share = run_.share;
    const std::int64_t began = steady_ns();
    run_.call.run(chunk, scope, units.begin, units.end);
    const std::int64_t ended = steady_ns();
    run_.chunk_done({0, MapRun::ran(scope, units), began, ended});
    return {chunk, static_cast<double>(ended - began) * 1e-9};
  }
  bool take_failure(std::uint64_t index, Failure& failure) override {
    return run_.take_failure(index, failure);
  }

 private:
  struct Queued {
    void* chunk;
    Span units;
  };
  MapRun& run_;
  std::deque<Queued> queue_;
};

void refuse_timeout(double timeout_s) {
  if (timeout_s > 0)
    throw PoolError(
        "the serial backend cannot stop a task that takes too long: use processes, or threads and a "
        "function that takes a std::stop_token");
}

}  // namespace

void SerialEngine::check(const detail::MapCall&, const MapOptions& options) const {
  refuse_timeout(options.timeout_s);
}

void SerialEngine::check(const detail::CallNode& call) const { refuse_timeout(call.timeout_s); }

void SerialEngine::run(MapRun& run) {
  RangeSlot slot;
  RangeBoard board(&slot, 1);
  board.fill(run.todo(), run.options.chunksize);
  participate(run, board, 0);
}

std::unique_ptr<detail::Stream> SerialEngine::open(MapRun& run) {
  return std::make_unique<SerialStream>(run);
}

void SerialEngine::submit(detail::CallNode* call) { call->execute(0); }

}  // namespace furrow::pool
