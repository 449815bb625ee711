// Worker processes that receive chunks as messages. A WorkLedger accounts for every index.
//
// A subchunk goes to the worker that has the fewest, up to `window` of them; an idle worker gets those that
// others have not begun.
//
//   subchunk: waits -> sent -> claimed by the worker (message_queue.hpp) -> reported, index by index -> over
//             sent -> taken back -> waits
//             sent or claimed -> its worker died (work_ledger.hpp)
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
#include "pool/messages/message_worker.hpp"
#include "pool/work/chunk_workers.hpp"
#include "pool/work/work_ledger.hpp"
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
  bool idle() const override { return ledger_.idle(); }
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
  using Subchunk = WorkLedger::Subchunk;
  // A subchunk, as the message with this number.
  struct Sent {
    Subchunk subchunk{};
    std::uint64_t tasks = 0;  // indices in the message
    std::uint32_t sequence = 0;
    bool with_map = false;  // the message contains what all chunks of the map have in common
  };
  struct OutgoingState {
    std::deque<Sent> sent{};  // in the order of their messages
    std::optional<channel::RingWriter> ring{};
    std::uint32_t sequence = 0;        // of the next message
    bool gap = false;                  // messages were taken back, so `sequence` does not follow those left
    std::deque<std::uint64_t> maps{};  // the maps that the worker knows
    std::uint64_t tasks = 0;           // in chunks that it has reported
    std::int64_t asked_ns = 0;         // when its task was asked to end
  };
  enum class Sending : std::uint8_t { kSent, kFull, kDone };

  void on_plain(int worker, std::span<const std::byte> frame) override;
  void check_result(int worker, std::uint64_t index) override;
  void store(int worker, std::uint64_t index, ValueReader& result) override {
    running(worker).chunk->store(index, result);
  }
  void on_result(int worker, std::uint64_t) override { ledger_.reported(running(worker), 1); }
  void on_unread(int worker, std::uint64_t, Failure failure) override {
    ledger_.failed(running(worker), std::move(failure), worker);
  }
  void on_failure(int worker, std::uint64_t index, Failure failure) override;
  void on_chunk(int worker, const ChunkTail& tail) override;
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
  bool dispatch_queue();
  int least_busy(bool idle_only) const;
  Sending send(int worker, Subchunk& subchunk);
  Sending send_large(int worker, Subchunk& subchunk);
  Sent next_message(int worker, const Subchunk& subchunk);
  void note_sent(int worker, const Sent& message);
  void write_body(const Sent& message, Writer& to);
  bool balance();
  void take_back_all();
  void return_unclaimed(int worker, std::uint32_t first);
  void close_gap(int worker);

  Subchunk& running(int worker);
  void store_block(Subchunk& subchunk, std::uint64_t count, std::span<const std::byte> bytes, int worker);
  void salvage(int worker, Subchunk& subchunk, std::uint64_t reached);
  void end_stopped_tasks();
  void account_for_death(int worker, int wait_status, bool has_begun);
  void collapse(const std::string& why);

  const PoolOptions& options_;
  std::vector<OutgoingState> outgoing_;
  WorkLedger ledger_{};
  bool any_stopped_ = false;  // some tasks that run should end
  bool started_ = false;
  std::string broken_{};  // why nothing works any longer
  std::vector<std::byte> buffer_{};
};

}  // namespace furrow::pool
