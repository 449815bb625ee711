// The parent's side of worker processes, whatever they run: reads their reports, notices deaths and tasks
// that run too long, and has dead workers replaced. Derived classes decide what reports and deaths mean.
//
//   step():  for each worker  a report -> on_plain, on_result, ... | idle -> dispatch | dead, all frames read -> on_death
//
// It has no thread and no descriptor: it makes progress when step() is called, and sleep() waits until there
// is something to do. Errors: PoolError if no worker can be forked, or the template was killed.
//
// Thread-safety: one thread at a time.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "channel/frame.hpp"
#include "pool/work/work_ledger.hpp"
#include "pool/workers/fork_server.hpp"
#include "pool/workers/parts_reader.hpp"
#include "pool/workers/worker_memory.hpp"

namespace furrow::pool {

// Thrown for an impossible report, of which nothing was used.
struct Nonsense {};

class WorkerProcesses {
 public:
  virtual ~WorkerProcesses() = default;
  WorkerProcesses(const WorkerProcesses&) = delete;
  WorkerProcesses& operator=(const WorkerProcesses&) = delete;

  // Looks at every worker once; returns whether anything happened.
  bool step();
  // Waits until there is something to do for step(), or the time is over. Spins briefly first, if that has paid.
  void sleep(std::int64_t at_most_ns);
  // False if the template was lost: then workers may still use the memory.
  bool end(Ending how);
  // The same when tasks that run should end, and get some time for that.
  bool end_tasks();
  int alive() const;
  // Ends the sleep() of another thread, or the next one. Any thread may call it.
  void call();

 protected:
  struct WorkerRecord {
    std::optional<channel::RingReader> ring{};
    std::optional<channel::FrameReader> frames{};
    bool cut = false;               // its reports are no longer read
    bool garbled = false;           // it wrote impossible reports, and is killed for that
    bool left_idle = false;         // it is idle, and there was nothing to dispatch to it
    std::uint64_t item = kNothing;  // the item that it was last seen running
    std::uint32_t attempts = 0;
    std::int64_t since_ns = 0;
    std::uint64_t late_item = kNothing;  // the item that ran too long, for which it is killed
    int inconsistencies = 0;             // found in a row
  };

  explicit WorkerProcesses(WorkerMemory memory);
  // Forks the template; BODY runs in each worker. want() has workers forked.
  void start_fork_server(bool alone, std::function<int(int worker)> body);
  // The same for a template that is another program: a child that was given the memory.
  void attach_fork_server(pid_t spawned);

  // What WORKER reports (worker_wire.hpp). Each throws Nonsense if that is impossible.
  virtual void on_plain(int worker, std::span<const std::byte> frame) = 0;
  // A frame that does not lie in one piece; it must be read or skipped.
  virtual void on_plain_in_parts(int /*worker*/, const channel::FrameHeader&) { throw Nonsense{}; }
  virtual void on_stored(int /*worker*/, const StoredHead&) { throw Nonsense{}; }
  // A result is checked, stored, and then accounted for; or it has failed, if store() throws.
  virtual void check_result(int worker, std::uint64_t index) = 0;
  virtual void store(int worker, std::uint64_t index, ValueReader& result) = 0;
  virtual void on_result(int worker, std::uint64_t index) = 0;
  virtual void on_results_end(int /*worker*/) {}  // nothing or something else follows the last on_result()
  virtual void on_unread(int worker, std::uint64_t index, Failure failure) = 0;
  virtual void on_failure(int worker, std::uint64_t index, Failure failure) = 0;
  virtual void on_chunk(int worker, const ChunkTail& tail) = 0;
  virtual void on_broken(int worker, const Failure& failure);
  virtual void on_death(int worker, int wait_status) = 0;  // may call want() to replace it
  virtual bool dispatch(int worker) = 0;                   // false if there is no work
  virtual double time_limit_s(int worker) const = 0;       // for its item; 0: none
  // Whether WORKER has work; and whether ITEM, which it says it runs, belongs to that and is not done.
  virtual bool has_work(int worker) = 0;
  virtual bool overdue(int worker, std::uint64_t item) = 0;
  // Called now and then when nothing happens: whether what WORKER wrote into the shared memory is impossible.
  virtual bool is_inconsistent(int worker) = 0;
  virtual void on_end() {}          // before the workers are asked to end
  virtual void check_progress() {}  // the same for all workers together; may throw PoolError

  void want(int worker);
  // What is known of a worker that died while it ran ITEM.
  WorkLedger::Death death_at(int worker, std::uint64_t item, int wait_status);
  // Reads what workers reported before they ended. Call after end().
  void read_the_rest();
  void kill_worker(int worker) { fork_server_->kill(worker); }
  // The task that WORKER runs, of the message with this word, should end, and the programs that it has started.
  void ask_to_end(int worker, std::uint64_t task);
  // Whether a worker waits for work, and everything that it has reported is read.
  bool is_asleep(int worker) { return slot(worker).bell.is_parked() && is_silent(worker); }
  void retry_idle_workers();
  // Called while the next part of a value from WORKER has not come.
  void watch(int worker);
  PartsReader value(int worker, std::uint32_t flags);

  WorkerRecord& record(int worker) { return records_[static_cast<std::size_t>(worker)]; }
  WorkerSlot& slot(int worker) const { return memory_.slot(worker); }
  ProcessSlot& process(int worker) const { return memory_.process(worker); }
  int workers() const { return memory_.workers(); }

  WorkerMemory memory_;

 private:
  bool look(int worker);
  bool drain(int worker);
  bool take_next(int worker, channel::FrameReader& frames);
  void take_frame(int worker, const channel::FrameHeader& header);
  void take_plain(int worker, const channel::FrameHeader& header);
  template <class End>
  void take_result(int worker, ValueReader& reader, const End& end);
  void take_failure(int worker);
  void cut_off(int worker, bool nonsense);
  bool reap(int worker);
  void watch_time();
  void watch_time(int worker, std::int64_t now_ns);
  bool something(int worker);
  bool is_silent(int worker);
  void check();
  void check_workers();
  bool is_disordered(int worker);
  std::int64_t spin_ns() const;

  std::vector<WorkerRecord> records_;
  std::optional<ForkServer> fork_server_{};
  std::int64_t last_watch_ns_ = 0;
  std::int64_t last_check_ns_ = 0;
  bool is_quiet_ = true;  // nothing has happened since that check
  int fork_errno_ = 0;    // errno of the last fork that failed
  std::function<void()> watching_{};
  int watched_ = 0;
  std::atomic<std::uint32_t> called_{0};
  unsigned vain_spins_ = 0;  // how many waits in a row have lasted longer than spinning
};

}  // namespace furrow::pool
