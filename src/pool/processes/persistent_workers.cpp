#include "pool/processes/persistent_workers.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/log.hpp"
#include "os/process/fork.hpp"
#include "pool/messages/message_workers.hpp"
#include "pool/messages/sent_work.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kTick_ns = 100'000'000;
constexpr std::size_t kCallsAhead = 256;  // calls sent ahead to each worker
constexpr std::chrono::milliseconds kBetweenLooks{50};

}  // namespace

struct PersistentWorkers::Call : Chunk {
  explicit Call(PersistentWorkers& of) : workers(of) {}
  void encode(std::uint64_t, std::uint64_t, Writer& body) override { encode_call(*node, body); }
  void store(std::uint64_t, ValueReader& result) override { node->store(result); }
  void failed(Failure failure, std::uint64_t, int) override { node->fail(std::move(failure)); }
  void done(int, const Times&) override {
    detail::CallNode* const settled = node;
    PersistentWorkers& of = workers;
    of.retire(this);
    settled->settle();
    of.in_flight_.fetch_sub(1, std::memory_order_acq_rel);
  }
  std::uint64_t index_in_map(std::uint64_t) const override { return 0; }

  PersistentWorkers& workers;
  detail::CallNode* node = nullptr;
};

void PersistentWorkers::retire(Call* call) {
  call->node = nullptr;
  free_.push_back(call);
}

// Held by the one thread that pumps the workers.
class PersistentWorkers::Turn {
 public:
  // Without WAIT, if this thread has the turn already, or if RUN is stopped meanwhile, the result may be false.
  Turn(PersistentWorkers& workers, bool wait, const RunningMap* run = nullptr) : workers_(workers) {
    if (workers.working_.load(std::memory_order_relaxed) == std::this_thread::get_id()) return;
    has_ = workers.turn_.try_lock();
    while (!has_ && wait && !(run && run->stopped())) has_ = workers.turn_.try_lock_for(kBetweenLooks);
    if (has_) workers.working_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  }
  ~Turn() {
    if (!has_) return;
    workers_.working_.store(std::thread::id(), std::memory_order_relaxed);
    workers_.turn_.unlock();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  explicit operator bool() const { return has_; }

 private:
  PersistentWorkers& workers_;
  bool has_ = false;
};

PersistentWorkers::PersistentWorkers(std::unique_ptr<ChunkWorkers> workers)
    : owner_(::getpid()), workers_(std::move(workers)) {
  count_replaced();
}

PersistentWorkers::PersistentWorkers(int workers, const PoolOptions& options) : owner_(::getpid()) {
  if (!os::is_single_threaded()) {
    refusal_ =
        "this Pool was made while other threads ran, so it has no persistent workers, which apply_async and "
        "MapOptions::standing need: make it before the program starts threads";
    FURROW_LOG(pool, info, "no persistent workers, since other threads run");
    return;
  }
  auto segment = os::SharedMemory::create(MessageWorkers::bytes_for(workers));
  if (!segment) throw PoolError(segment.error().to_string());
  handler_ = std::make_unique<SentWorkHandler>();
  workers_ = std::make_unique<MessageWorkers>(std::move(*segment), workers, options, *handler_, true);
  count_replaced();
}

PersistentWorkers::~PersistentWorkers() {
  if (!workers_ || owner_ != ::getpid()) return;
  const Turn turn(*this, true);
  take_incoming();
  for (Chunk* each : workers_->withdraw()) {
    detail::CallNode* const node = static_cast<Call*>(each)->node;
    if (node->is_kept())
      node->drop();
    else
      workers_->submit(each);
  }
  while (!workers_->idle() || incoming_) {
    take_incoming();
    workers_->pump(kTick_ns);
  }
  workers_->shut_down();
}

void PersistentWorkers::check_here() const {
  if (owner_ != ::getpid())
    throw PoolError(
        "this Pool belongs to the process that made it, whose persistent workers a worker cannot use: make a "
        "Pool inside the task, or use map");
  if (!refusal_.empty()) throw PoolError(refusal_);
}

void PersistentWorkers::check(const detail::CallNode& call) const {
  check_here();
  if (const char* refusal = why_not_sent(call))
    throw PoolError(std::string("this call cannot be sent to a worker process: ") + refusal);
}

void PersistentWorkers::check(const detail::MapCall& call) const {
  check_here();
  if (const char* refusal = why_not_sent(call))
    throw PoolError(std::string("this map cannot be sent to workers that were started before it: ") +
                    refusal);
}

void PersistentWorkers::submit(detail::CallNode* call) {
  call->pump = this;
  call->call_queue = this;
  in_flight_.fetch_add(1, std::memory_order_relaxed);
  call->set_place(Chunk::kCallIndices + calls_made_.fetch_add(1, std::memory_order_release));
  {
    const std::lock_guard lock(incoming_lock_);
    call->next = nullptr;
    *incoming_end_ = call;
    incoming_end_ = &call->next;
  }
  // If another thread has the turn, it may sleep: wake it, so that it sends the call.
  if (!pump(0)) workers_->nudge();
}

void PersistentWorkers::take_incoming() {
  detail::TaskNode* first = nullptr;
  {
    const std::lock_guard lock(incoming_lock_);
    first = std::exchange(incoming_, nullptr);
    incoming_end_ = &incoming_;
  }
  while (first) {
    auto* const node = static_cast<detail::CallNode*>(first);
    first = first->next;
    if (node->is_cancelled()) {
      node->settle_cancelled();
      in_flight_.fetch_sub(1, std::memory_order_acq_rel);
      continue;
    }
    if (free_.empty()) free_.push_back(calls_.emplace_back(std::make_unique<Call>(*this)).get());
    Call* const chunk = free_.back();
    free_.pop_back();
    chunk->node = node;
    chunk->begin = node->place();
    chunk->end = chunk->begin + 1;
    chunk->timeout_s = node->timeout_s();
    chunk->retries = node->retries();
    workers_->submit(chunk);
  }
  stop_cancelled();
}

// A call that is cancelled before any thread has taken it is settled by the one that cancels it. The others are told to
// the workers by whichever thread pumps them.
bool PersistentWorkers::cancel(detail::CallNode& call) noexcept {
  if (owner_ != ::getpid()) return false;
  {
    const std::lock_guard lock(incoming_lock_);
    for (detail::TaskNode** at = &incoming_; *at; at = &(*at)->next) {
      if (*at != &call) continue;
      *at = call.next;
      if (!*at) incoming_end_ = at;
      in_flight_.fetch_sub(1, std::memory_order_acq_rel);
      return true;
    }
    cancelled_.push_back(call.place());
  }
  if (!pump(0)) workers_->nudge();
  return false;
}

void PersistentWorkers::cancel_calls() {
  if (owner_ != ::getpid() || !workers_) return;
  {
    const std::lock_guard lock(incoming_lock_);
    all_cancelled_ = true;
  }
  if (!pump(0)) workers_->nudge();
}

// What was made is read first: what has ended of that is no longer in flight.
Engine::CallCounts PersistentWorkers::call_counts() {
  const std::uint64_t made = calls_made_.load(std::memory_order_acquire);
  const std::uint64_t in_flight = in_flight_.load(std::memory_order_acquire);
  return {in_flight, made - std::min(made, in_flight), workers_replaced_.load(std::memory_order_relaxed)};
}

void PersistentWorkers::count_replaced() {
  workers_->restarted = [this](int) { workers_replaced_.fetch_add(1, std::memory_order_relaxed); };
}

void PersistentWorkers::stop_cancelled() {
  std::vector<std::uint64_t> ids;
  bool all = false;
  {
    const std::lock_guard lock(incoming_lock_);
    ids.swap(cancelled_);
    all = std::exchange(all_cancelled_, false);
  }
  if (all)
    for (const auto& each : calls_)
      if (each->node && each->node->is_cancelled()) ids.push_back(each->begin);
  for (const std::uint64_t id : ids) workers_->stop(id);
}

bool PersistentWorkers::pump(std::int64_t at_most_ns) noexcept {
  if (owner_ != ::getpid()) return false;
  const Turn turn(*this, false);
  if (!turn) return false;
  workers_->window = kCallsAhead;
  take_incoming();
  workers_->pump(at_most_ns);
  return true;
}

void PersistentWorkers::wait() {
  if (in_flight_.load() == 0) return;
  check_here();
  while (in_flight_.load(std::memory_order_acquire) > 0)
    if (!pump(kTick_ns)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// Maps.

struct PersistentWorkers::MapChunk : Chunk {
  explicit MapChunk(MapDispatcher& of) : dispatcher(of) {}
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override;
  void encode_map(Writer& body) override;
  void store(std::uint64_t index, ValueReader& result) override;
  bool store_plain(std::uint64_t index, std::uint64_t count, std::size_t size, const void* results) override;
  void store_block(std::uint64_t index, std::uint64_t count, std::span<const std::byte> bytes) override;
  void failed(Failure failure, std::uint64_t, int worker) override;
  void done(int worker, const Times& times) override;
  MapDispatcher& dispatcher;
};

class PersistentWorkers::MapDispatcher {
 public:
  MapDispatcher(RunningMap& run, ChunkWorkers& workers, std::uint64_t map)
      : run_(run),
        workers_(workers),
        map_(map),
        flow_control_(workers.flow_control()),
        sizer_(flow_control_.splits_chunks ? 0 : run.options.chunksize, flow_control_.chunk_ns) {}

  bool over() const { return in_flight_ == 0 && (position_ == run_.todo() || run_.stopped()); }

  void submit() {
    while (wants_more() && position_ < run_.todo() && !run_.stopped()) {
      const std::uint64_t left = run_.todo() - position_;
      const IndexRange positions{position_, position_ + std::min(next_size(left), left)};
      position_ = positions.end;
      run_.for_each_range(positions, [&](std::uint64_t begin, std::uint64_t end) { submit(begin, end); });
    }
  }

  RunningMap& run_;
  ChunkWorkers& workers_;
  const std::uint64_t map_;
  const ChunkWorkers::FlowControl flow_control_;
  ChunkSizer sizer_;
  std::uint64_t position_ = 0;  // the next one to be sent
  std::size_t in_flight_ = 0;
  std::uint64_t indices_in_flight_ = 0;
  std::vector<std::unique_ptr<MapChunk>> chunks_{};
  std::vector<MapChunk*> free_{};

 private:
  bool wants_more() const {
    const std::uint64_t chunk = std::max<std::uint64_t>(run_.options.chunksize, 1);
    return in_flight_ < flow_control_.chunks || indices_in_flight_ / chunk < flow_control_.indices;
  }

  // The last chunks are small, so that all workers end at the same time.
  std::uint64_t next_size(std::uint64_t left) const {
    const std::uint64_t chunk = run_.options.chunksize;
    if (chunk && !flow_control_.splits_chunks) return chunk;
    const std::uint64_t fair = std::max<std::uint64_t>(left / (2 * flow_control_.chunks), 1);
    const std::uint64_t size = std::min(sizer_.next(), fair);
    return chunk ? (size + chunk - 1) / chunk * chunk : size;
  }

  void submit(std::uint64_t begin, std::uint64_t end) {
    if (free_.empty()) free_.push_back(chunks_.emplace_back(std::make_unique<MapChunk>(*this)).get());
    MapChunk* const chunk = free_.back();
    free_.pop_back();
    chunk->begin = begin;
    chunk->end = end;
    chunk->map = map_;
    chunk->items_per_index = run_.call.block;
    chunk->result_size = run_.call.cross.store_plain ? run_.call.cross.result_size : 0;
    chunk->chunksize = run_.options.chunksize;
    chunk->timeout_s = run_.options.timeout_s;
    chunk->retries = run_.options.retries;
    ++in_flight_;
    indices_in_flight_ += end - begin;
    workers_.submit(chunk);
  }
};

void PersistentWorkers::MapChunk::encode(std::uint64_t from, std::uint64_t to, Writer& body) {
  const detail::MapCall& call = dispatcher.run_.call;
  for (std::uint64_t index = from; index < to; ++index) call.cross.encode_input(call.object, index, body);
}

void PersistentWorkers::MapChunk::encode_map(Writer& body) { pool::encode_map(dispatcher.run_, body); }

void PersistentWorkers::MapChunk::store(std::uint64_t index, ValueReader& result) {
  dispatcher.run_.call.cross.store_encoded(dispatcher.run_.call.object, index, result);
}

void PersistentWorkers::MapChunk::store_block(std::uint64_t index, std::uint64_t count,
                                              std::span<const std::byte> bytes) {
  dispatcher.run_.call.cross.store_plain(dispatcher.run_.call.object, index, index + count, bytes.data());
}

bool PersistentWorkers::MapChunk::store_plain(std::uint64_t index, std::uint64_t count, std::size_t size,
                                              const void* results) {
  const detail::MapCall& call = dispatcher.run_.call;
  const bool aligned = reinterpret_cast<std::uintptr_t>(results) % alignment_of(size) == 0;
  if (!call.cross.store_plain || size != call.cross.result_size || (size > 0 && !aligned)) return false;
  call.cross.store_plain(call.object, index, index + count, results);
  return true;
}

// After a map was stopped, only exceptions of tasks are failures; the others are consequences of stopping.
void PersistentWorkers::MapChunk::failed(Failure failure, std::uint64_t, int worker) {
  if (!dispatcher.run_.stopped() || failure.kind == FailureKind::kException)
    dispatcher.run_.record(std::move(failure), worker);
  else
    dispatcher.run_.record_unfinished(failure, worker);
}

void PersistentWorkers::MapChunk::done(int worker, const Times& times) {
  dispatcher.sizer_.measured(end - begin, static_cast<std::uint64_t>(times.ended_ns - times.began_ns));
  dispatcher.run_.chunk_done({worker, {begin, end}, times.began_ns, times.ended_ns});
  --dispatcher.in_flight_;
  dispatcher.indices_in_flight_ -= end - begin;
  dispatcher.free_.push_back(this);
}

void PersistentWorkers::in_turn(const std::function<void()>& work, const RunningMap* run) {
  check_here();
  const Turn turn(*this, true, run);
  if (!turn && run && run->stopped()) return;
  if (!turn) throw PoolError("a callback cannot run a map on the persistent workers that it is called by");
  work();
}

void PersistentWorkers::run(RunningMap& run) {
  in_turn([&] { run_in_turn(run); }, &run);
}

void PersistentWorkers::run_in_turn(RunningMap& run) {
  MapDispatcher dispatcher(run, *workers_, ++maps_);
  workers_->restarted = [&run](int worker) { run.worker_replaced(worker); };
  const RunningMap::Waker waker(run, [this] { workers_->nudge(); });
  bool stopping = false;
  std::exception_ptr error;
  while (!dispatcher.over()) {
    try {
      dispatcher.submit();
      take_incoming();
      workers_->pump(kTick_ns);
      if (run.tick && !stopping) run.tick();
    } catch (...) {  // chunks in flight refer to the caller's memory: wait for them before throwing on
      error = std::current_exception();
      run.stop();
    }
    if (run.stopped()) {
      stopping = true;
      workers_->stop(dispatcher.map_);
    }
  }
  count_replaced();
  if (!workers_->broken().empty()) throw PoolError(workers_->broken());
  if (error) std::rethrow_exception(error);
}

}  // namespace furrow::pool
