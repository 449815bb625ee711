// Worker processes that receive chunks as messages. Every index of a chunk is accounted for.
//
// A chunk waits in the queue as one subchunk or, after failures, as several. A subchunk goes to the worker
// that has the fewest, up to `window` of them; an idle worker gets those that others have not begun. When a
// worker dies, the task that it ran fails or is tried again, and the work that it had not begun goes back to
// the front of the queue.
//
//   subchunk: queued -> sent -> claimed by the worker (message_queue.hpp) -> reported, index by index
//             -> finished
//             sent -> taken back -> queued
//             sent or claimed -> its worker died -> what is left is queued
//
// It has no thread of its own: workers run what was sent to them, and each call of pump() sends more and
// takes their reports. If the workers cannot go on (no process can be forked, the initializer fails),
// everything fails with kLost and a message that says why; nothing is left waiting.
//
// Thread-safety: one thread at a time.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "furrow/options.hpp"
#include "pool/messages/chunk_workers.hpp"
#include "pool/messages/message_worker.hpp"
#include "pool/workers/worker_processes.hpp"

namespace furrow::pool {

class MessageWorkers : public WorkerProcesses, public ChunkWorkers {
 public:
  static constexpr std::size_t kRing = std::size_t{1} << 20;
  // How many maps a worker remembers: the latest ones that were sent to it.
  static constexpr std::size_t kMaps = 8;
  // The capacity of each ring, and the memory for all of them.
  static std::size_t ring_bytes(int workers);
  static std::size_t bytes_for(int workers);

  // Forks the template process at once, and the workers when start() is called or a chunk comes. OPTIONS and
  // HANDLER are borrowed; each worker uses its own copy of the handler. ALONE: no other thread runs in this
  // process.
  MessageWorkers(os::SharedMemory segment, int workers, const PoolOptions& options, MessageHandler& handler,
                 bool alone);
  // The template is another program: SPAWN starts it with SEGMENT's descriptor, and returns the pid of this
  // new child. The program calls run_template().
  MessageWorkers(os::SharedMemory segment, int workers, const PoolOptions& options,
                 const std::function<pid_t()>& spawn);
  // Called in that program; returns when the workers are shut down. OPTIONS and HANDLER are for the workers;
  // PARENT is the process that has the MessageWorkers.
  static int run_template(os::SharedMemory segment, int workers, const PoolOptions& options,
                          MessageHandler& handler, pid_t parent);
  ~MessageWorkers() override { end(Ending::kNow); }

  void start();
  void submit(Chunk* chunk) override;
  bool work() override;
  void rest(std::int64_t at_most_ns) override;
  bool idle() const override { return subchunks_ == 0; }
  std::vector<Chunk*> withdraw() override;
  void stop(std::uint64_t id) override;
  void cancel(std::uint64_t map) { stop(map); }
  const std::string& broken() const override { return broken_; }
  void nudge() override { call(); }
  void shut_down() override { end(Ending::kSoon); }
  FlowControl flow_control() const override {
    return {static_cast<std::size_t>(workers()) * 2, 0, ChunkSizer::kTarget_ns, false};
  }
  using WorkerProcesses::workers;
  WorkerMemory& memory() { return memory_; }

 private:
  struct Subchunk {
    Chunk* chunk = nullptr;
    std::uint64_t begin = 0, end = 0;
    int attempts = 0;  // failed attempts at index `begin`
    int vain_runs =
        0;  // workers in a row that had index `begin` first in their work, and ended without a word
    bool large = false;     // its message may not fit into an inbox
    bool voided = false;    // its inputs could not be encoded: all its indices have failed
    bool with_map = false;  // its message contains what all chunks of the map have in common
    std::uint32_t sequence = 0;
    std::uint64_t next = 0;  // the first index without a result or failure
  };
  struct OutgoingState {
    std::deque<Subchunk> sent{};  // in the order of their messages
    std::optional<channel::RingWriter> ring{};
    std::uint32_t sequence = 0;        // of the next message
    bool gap = false;                  // messages were taken back, so `sequence` does not follow those left
    std::deque<std::uint64_t> maps{};  // the maps that the worker knows
    int start_failures = 0;
    std::uint64_t tasks = 0;    // in chunks that it has reported
    std::int64_t asked_ns = 0;  // when its task was asked to end
  };
  static constexpr const char* kStopped = "it was stopped first";
  enum class Sending : std::uint8_t { kSent, kFull, kDone };

  void on_frame(int worker, const channel::FrameHeader& header) override;
  void on_death(int worker, int wait_status) override;
  bool dispatch(int) override { return false; }
  void on_end() override;
  double time_limit_s(int worker) const override;
  bool has_work(int worker) override { return !outgoing(worker).sent.empty(); }
  bool overdue(int worker, std::uint64_t item) override;
  bool is_inconsistent(int worker) override;

  OutgoingState& outgoing(int worker) { return outgoing_[static_cast<std::size_t>(worker)]; }
  const OutgoingState& outgoing(int worker) const { return outgoing_[static_cast<std::size_t>(worker)]; }
  void start_worker(int worker);
  void queue(Chunk* chunk, std::uint64_t begin, std::uint64_t end, int attempts, bool front);
  bool dispatch_queue();
  int least_busy(bool idle_only) const;
  Sending send(int worker, Subchunk& subchunk);
  Sending send_large(int worker, Subchunk& subchunk);
  void write_body(int worker, const Subchunk& subchunk, Writer& to);
  bool balance();
  void return_unclaimed(int worker, std::uint32_t first);
  void close_gap(int worker);

  void take_result(int worker, const channel::FrameHeader& header);
  void take_block(int worker);
  void store_block(Subchunk& subchunk, std::uint64_t index, std::uint64_t count,
                   std::span<const std::byte> bytes, int worker);
  void salvage(int worker, Subchunk& subchunk, std::uint64_t reached);
  void take_failure(int worker);
  void take_chunk(int worker);
  void fail(Subchunk& subchunk, std::uint64_t index, Failure failure, int worker);
  void fail_rest(Subchunk& subchunk, const Failure& failure, int worker);
  static bool is_stopped(const Subchunk& subchunk) { return subchunk.chunk->stopped; }
  bool mark_stopped(std::uint64_t id);
  void end_stopped_tasks();
  void drop_unbegun();
  void drop(Subchunk& subchunk, int worker);
  static void require_next(const Subchunk& subchunk, std::uint64_t index);
  void account(Subchunk& subchunk, std::uint64_t index);
  void finish(Subchunk subchunk, int worker, const Chunk::Times& times);
  void account_for_death(int worker, int wait_status, bool has_begun);
  std::uint64_t last_item(int worker, const Subchunk& on);
  std::uint64_t item_at_death(int worker, Subchunk& on, bool has_begun);
  static bool holds(const Subchunk& subchunk, std::uint64_t index) {
    return index >= subchunk.next && index < subchunk.end;
  }
  static Subchunk rest_of(const Subchunk& subchunk, std::uint64_t index);
  void attribute_failure(int worker, Subchunk& subchunk, std::uint64_t item, int wait_status,
                         std::vector<Subchunk>& unbegun);
  void collapse(const std::string& why);

  const PoolOptions& options_;
  std::vector<OutgoingState> outgoing_;
  std::deque<Subchunk> queue_{};
  std::uint64_t subchunks_ = 0;  // queued or sent
  bool any_stopped_ = false;     // some tasks that run should end
  bool started_ = false;
  std::string broken_{};  // why nothing works any longer
  std::vector<std::byte> buffer_{};
};

}  // namespace furrow::pool
