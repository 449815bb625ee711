// One map that runs: the call, its options, and its state so far. The backends decide which worker runs what.
//
// Workers of this process call failed(), begin_watch(), end_watch(), record() and chunk_done() concurrently, and any
// thread may call stop() and cancel(); the rest belongs to the thread that called the map.
//
// When a map is stopped, its tasks in this process are asked to end, and the programs that they have started are ended;
// the backend does the same to its worker processes.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "furrow/detail/map_call.hpp"
#include "furrow/options.hpp"
#include "pool/map/work_stealing_ranges.hpp"
#include "pool/task/timeout_monitor.hpp"

namespace furrow::pool {

// A range of indices that one worker has done. Times are of the steady clock.
struct ChunkDone {
  int worker = 0;
  IndexRange indices{};  // indices in the map, not positions among those to run
  std::int64_t began_ns = 0;
  std::int64_t ended_ns = 0;
};

// Follows a map while it runs: progress, trace, resume file. Called on the threads of all workers, also
// concurrently.
class MapObserver {
 public:
  virtual ~MapObserver() = default;
  virtual void on_chunk(const ChunkDone& chunk) = 0;
  virtual void on_failure(const Failure& failure, int worker) = 0;
  virtual void on_restart(int /*worker*/) {}  // a worker process was replaced
};

// For a backend that can only ask a task to end. Throws PoolError if OPTIONS limit the time of the items of a reduction or a
// fold whose function takes no stop token: the time of an item is known there only if it takes one.
void check_timeout(const detail::MapCall& call, const MapOptions& options);

class RunningMap : public detail::TaskHost {
 public:
  // CALL, OPTIONS and TIMEOUT_MONITOR are borrowed. KEEP_ALL: keeps every failure, not only the lowest.
  RunningMap(const detail::MapCall& of_call, const MapOptions& with_options, TimeoutMonitor& timeout_monitor,
             bool keep_all)
      : call(of_call),
        options(with_options),
        fails_fast(with_options.on_error == OnError::kFailFast),
        timeout_monitor_(timeout_monitor),
        keep_all_(keep_all),
        watches_indices_(is_limit(with_options.timeout_s) && !of_call.stoppable) {}

  const detail::MapCall& call;
  const MapOptions& options;
  bool fails_fast;  // whether the first failure stops the map
  std::uint64_t seed = 0;
  std::uint64_t number = 0;
  int cores_per_task = 1;                 // cores for a Pool inside a task
  std::vector<MapObserver*> observers{};  // borrowed
  // If set, the caller's thread must call it about ten times a second.
  std::function<void()> tick{};

  detail::TaskOrigin origin(int worker) const { return {worker, seed, number, cores_per_task}; }

  detail::AfterFailure failed(detail::TaskScope& scope, std::uint64_t index) override;
  std::stop_token begin_watch(detail::TaskScope& scope) override;
  void end_watch(detail::TaskScope& scope) override;
  bool stop_requested(detail::TaskScope& scope) const noexcept override;

  // Limits the map to these indices, in this order. If this is not called, all indices are run.
  void only(std::vector<IndexRange> indices);
  // The number of indices to run. Backends distribute the positions 0 to todo() - 1 among the workers...
  std::uint64_t todo() const { return only_ ? positions_.back() : call.size; }
  // ...and this calls BODY(begin, end) for the ranges of indices at some positions.
  template <class Body>
  void for_each_range(IndexRange positions, const Body& body) const {
    if (!only_) {
      body(positions.begin, positions.end);
      return;
    }
    for (std::size_t i = range_at(positions.begin); positions.begin < positions.end; ++i) {
      const std::uint64_t stop = std::min(positions.end, positions_[i + 1]);
      body(ranges_[i].begin + (positions.begin - positions_[i]), ranges_[i].begin + (stop - positions_[i]));
      positions.begin = stop;
    }
  }

  // Runs indices of OBJECT, which is the call's or a chunk of a stream, and watches their time. For workers that are
  // threads of this process.
  void run_indices(void* object, detail::TaskScope& scope, IndexRange indices);
  // Records an item that failed and will not be retried.
  void record(Failure failure, int worker);
  // Records an item that has no result since the map was stopped. Only observers get it: it is not a failure
  // that the map reports.
  void record_unfinished(const Failure& failure, int worker);
  // Records that all indices of a chunk were run. Its results are stored and its failures recorded before.
  void chunk_done(const ChunkDone& chunk);
  // The part of INDICES that was run. After a failure in a stopped map the rest of a range is given up.
  static IndexRange ran(detail::TaskScope& scope, IndexRange indices);
  void worker_replaced(int worker);  // a worker process
  // stop() asks running tasks to stop, if they can be, and from then on no new task should start.
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  void stop();
  // Stops the map since its caller, or another thread, wants it to end with Cancelled.
  void cancel();
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }

  // While it exists, the current thread runs tasks of the map. stop() leaves the programs alone that it has started
  // before. OF_CALLER: it is the one that called the map, and may have started some just now.
  class Runner {
   public:
    explicit Runner(RunningMap& run, bool of_caller = false);
    ~Runner();
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

   private:
    friend class RunningMap;
    RunningMap& run_;
    const pid_t thread_;
    const std::int64_t began_ns_;
    bool is_doubtful_ = false;  // programs of the tick in which it began may be older
    std::vector<pid_t> kept_{};
    Runner* next_ = nullptr;
    Runner** self_ = nullptr;  // where the list points to this one
  };
  // While it exists, stop() calls WAKE, from any thread, which must not wait for anything.
  class Waker {
   public:
    Waker(RunningMap& run, std::function<void()> wake);
    ~Waker();
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;

   private:
    RunningMap& run_;
  };

  // A stream has been given the items at INDICES.
  void given(IndexRange indices) { given_.fetch_add(items_at(indices), std::memory_order_relaxed); }
  // Of items. From any thread: FAILED and GIVEN_UP hold what belongs to ENDED.
  struct Counts {
    std::uint64_t given = 0;
    std::uint64_t ended = 0;  // those that failed or were given up included
    std::uint64_t failed = 0;
    std::uint64_t given_up = 0;  // record_unfinished()
    std::uint64_t workers_replaced = 0;
  };
  Counts counts() const;
  // Removes the failure of one item, if all are kept; false if the item did not fail. From any thread.
  bool take_failure(std::uint64_t index, Failure& failure);
  // After the end: all failures by index, or only the lowest if not all are kept.
  std::vector<Failure> take_failures();

 private:
  std::size_t range_at(std::uint64_t position) const;
  std::uint64_t items_at(IndexRange indices) const {
    if (call.block == 1) return indices.size();
    return std::min(indices.end * call.block, call.items) - indices.begin * call.block;
  }
  std::uint64_t items_with(const Failure& failure) const {
    const std::uint64_t index = failure.index / call.block;
    return items_at({index, index + 1});
  }
  bool drop_watch(detail::TaskScope& scope);  // returns whether the time had run out

  TimeoutMonitor& timeout_monitor_;
  const bool keep_all_;
  const bool watches_indices_;  // the function does not say when it begins
  std::atomic<bool> stopped_{false};
  std::atomic<bool> cancelled_{false};
  std::atomic<std::uint64_t> given_{0};
  std::atomic<std::uint64_t> ended_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> given_up_{0};
  std::atomic<std::uint64_t> workers_replaced_{0};
  std::mutex stopping_;        // guards the next two
  Runner* runners_ = nullptr;  // linked by next_
  std::function<void()> wake_{};
  std::mutex mutex_;
  std::vector<Failure> kept_;
  bool only_ = false;
  std::vector<IndexRange> ranges_{};  // the indices to run, if only() was called
  // The position of the first index of each range; then the number of positions.
  std::vector<std::uint64_t> positions_{};
};

}  // namespace furrow::pool
