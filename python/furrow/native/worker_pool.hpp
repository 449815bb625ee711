// The persistent workers behind a furrow.Pool, here or on many ranks, and the threads that drive them.
//
// The workers run on their own what they were sent. Receiving results, running callbacks and sending further
// chunks is done by the thread that holds the turn. The turn is
//
//   free -> held by a thread that waits for a map (it pumps until that map is settled)
//        -> held by the pump thread, serve(), while maps are running and no other thread wants the turn
//
// Only the thread with the turn uses the ChunkWorkers. Any other thread puts its map into incoming_, wakes
// the thread that sleeps, and waits for the turn or for its map. The GIL guards all fields except those of
// changed_; the thread with the turn holds the GIL except while it sleeps. While the pool's own code runs
// (working_), Python code that it calls (a __reduce__, a __del__) cannot wait for the pool: that raises
// PoolError. Callbacks run outside of that code, and may use the pool.
//
// Shutdown: finish() waits for the maps, then for the workers. end() kills the workers; maps that are not
// finished are abandoned. In a forked child the pool is unusable and its destructor does nothing.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "native/pending_map.hpp"
#include "native/worker_runtime.hpp"
#include "pool/messages/message_workers.hpp"

namespace furrow::python {

class WorkerPool {
 public:
  // Starts the template and the workers. WORKER_HOOKS: the module furrow._worker. BEGIN: called in each
  // worker with its number; runs the initializer. SPAWN: starts the template as a program of its own, given
  // the descriptors of segment and arena, and returns its pid; None: the template is forked.
  WorkerPool(int workers, std::uint64_t max_tasks, py::object worker_hooks, py::object begin,
             Pickling pickling, const py::object& spawn);
  // Uses the workers of all ranks: RANKS is a capsule with a pool::ChunkWorkers. RUNTIME belongs to the
  // workers on this rank.
  WorkerPool(int workers, py::capsule ranks, std::shared_ptr<WorkerRuntime> runtime, Pickling pickling);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs the spawned template until the pool ends; returns its exit status.
  static int run_template(int segment, int arena, int workers, std::uint64_t max_tasks, pid_t parent,
                          py::object hooks, py::object begin);
  std::uint64_t open_session(PendingMap& map, Session::Options options);
  void submit(const std::shared_ptr<PendingMap>& map);
  // Waits until the map is settled. False if the time is over first; a timeout below 0: no limit.
  bool wait(PendingMap& map, double timeout_s);
  // Waits until the stream has an item or has ended. False if the time is over first.
  bool wait_for_item(PendingMap& map, double timeout_s);
  void nudge();  // call it when a map has got more input
  bool tick();   // does what can be done now, unless another thread has the turn; for callers that poll
  void serve();  // the pump thread
  void cancel(const std::shared_ptr<PendingMap>& map);
  void finish();  // waits for the maps, then for the workers
  void end();     // kills the workers
  // What all maps, streams and calls have done and have to do, and how many workers were replaced.
  struct Statistics : PendingMap::Counts {
    std::uint64_t replaced = 0;
  };
  Statistics statistics() const;
  std::vector<int> pids();
  std::vector<bool> living();
  bool names_matter() const { return pickling_.names_matter; }
  void set_names_matter(bool matter) { pickling_.names_matter = matter; }
  bool ended() const { return ended_; }
  std::string broken() const { return chunk_workers_ ? chunk_workers_->broken() : ""; }

 private:
  template <class Done>
  bool pump_until(double timeout_s, const Done& done);
  bool take_turn();
  bool is_holder() const;
  bool take_turn_to_end();
  void release_turn();
  void wait_for_turn(std::int64_t at_most_ns);
  void notify_waiters();
  void pump_once(std::int64_t at_most_ns);
  bool admit();
  void settle_maps();
  void stop_maps();
  void count(const PendingMap& ended);
  void check_here() const;
  bool mine() const;
  bool starting() const;
  void begin_with(pool::ChunkWorkers& workers);
  void end_workers(pool::Ending how);
  bool nothing_to_do() const { return active_.empty() && incoming_.empty(); }

  const pid_t owner_;
  const int workers_;
  Pickling pickling_;
  std::shared_ptr<WorkerRuntime> runtime_;
  std::unique_ptr<Encoder> encoder_;
  PoolOptions options_{};
  std::unique_ptr<pool::MessageWorkers> local_{};  // null if the workers are on many ranks
  py::object ranks_{};                             // null if they are local
  pool::ChunkWorkers* chunk_workers_ = nullptr;    // one of these two
  std::vector<std::shared_ptr<PendingMap>> incoming_{}, active_{};
  std::vector<std::uint64_t> to_stop_{};  // the keys of cancelled maps that workers may still run
  std::uint64_t maps_ = 0;
  Statistics ended_maps_{};
  bool ended_ = false;  // nothing is accepted any more
  bool gone_ = false;   // and the workers have ended

  bool held_ = false, working_ = false;
  std::thread::id holder_{};
  int waiting_ = 0;          // threads that want the turn
  int ending_ = 0;           // threads that want it to end the pool: nobody else takes it before them
  int callers_ = 0;          // threads in pump_until()
  std::uint64_t turns_ = 0;  // how often a thread other than the pump thread came to wait
  std::mutex changed_lock_{};
  std::condition_variable changed_{};
  std::uint64_t changes_ = 0;  // guarded by changed_lock_
  int sleepers_ = 0;           // threads that wait on changed_
};

}  // namespace furrow::python
