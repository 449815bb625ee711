// Worker processes that live as long as their Pool: for apply_async, and for maps with MapOptions::standing.
//
// The template is forked when the Pool is made, so workers see the program as it was then, and the program
// may start threads later. Workers are forked from the template when there is work for them. Functions are
// sent as addresses relative to the program, with their encoded arguments (furrow::bind).
//
// There is no thread behind it. What was sent to the workers (some hundred calls each) runs by itself.
// Results are read, callbacks run and further calls are sent whenever a thread of the program calls submit,
// wait, ready or get, or runs a map here. One thread at a time does this; the others wait for their calls.
//
// Shutdown: calls that no worker has begun are dropped if their Future is kept, and all others are waited for; then
// the workers are asked to end. In a forked child (a worker) it refuses all use, and leaves the parent's workers alone.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "furrow/detail/call_node.hpp"
#include "pool/engine.hpp"
#include "pool/map/running_map.hpp"
#include "pool/messages/message_worker.hpp"
#include "pool/task/call_pump.hpp"
#include "pool/work/chunk_workers.hpp"

namespace furrow::pool {

class PersistentWorkers : public CallPump {
 public:
  // Takes over workers that were made elsewhere, as on other ranks.
  explicit PersistentWorkers(std::unique_ptr<ChunkWorkers> workers);
  // OPTIONS are borrowed.
  PersistentWorkers(int workers, const PoolOptions& options);
  ~PersistentWorkers() override;

  // These throw PoolError.
  void check_here() const override;
  void check(const detail::CallNode& call) const;
  void check(const detail::MapCall& call) const;

  void submit(detail::CallNode* call);
  void run(RunningMap& run);
  // RUN must outlive the stream.
  std::unique_ptr<detail::Stream> open(RunningMap& run);
  void wait();
  bool cancel(detail::CallNode& call) noexcept override;
  void cancel_calls();
  Engine::CallCounts call_counts();
  // Calls WORK while no other thread pumps the workers. Not at all if RUN is stopped before that.
  void in_turn(const std::function<void()>& work, const RunningMap* run = nullptr);
  bool pump(std::int64_t at_most_ns) noexcept override;

 private:
  struct Call;
  struct MapChunk;
  class MapDispatcher;
  class Turn;
  class ChunkStream;

  void run_in_turn(RunningMap& run);
  void count_replaced();
  void take_incoming();
  void stop_cancelled();
  void retire(Call* call);

  const pid_t owner_;
  std::string refusal_{};  // why there are no workers
  std::unique_ptr<MessageHandler> handler_{};
  std::unique_ptr<ChunkWorkers> workers_{};

  std::timed_mutex turn_{};                 // held by the thread that pumps the workers
  std::atomic<std::thread::id> working_{};  // that thread
  std::mutex incoming_lock_{};
  detail::TaskNode* incoming_ = nullptr;  // linked by next
  detail::TaskNode** incoming_end_ = &incoming_;
  std::vector<std::uint64_t> cancelled_{};  // calls that are to be stopped; under incoming_lock_
  bool all_cancelled_ = false;              // those that know that they are cancelled; under incoming_lock_
  std::atomic<std::uint64_t> in_flight_{0};
  std::atomic<std::uint64_t> calls_made_{0};
  std::atomic<std::uint64_t> workers_replaced_{0};  // while no map runs
  std::uint64_t maps_ = 0;
  std::vector<std::unique_ptr<Call>> calls_{};  // all that were ever made, for reuse
  std::vector<Call*> free_{};
};

}  // namespace furrow::pool
