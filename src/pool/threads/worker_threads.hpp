// Threads that take tasks from queues (task_queues.hpp says in which order).
//
// The constructor starts the threads, and the destructor ends them. An idle thread looks for a task for some
// 50 us, and then parks until there is one; at most half of the threads look at once, and while one looks, none is
// woken.
//
// A thread that waits inside a task (Absence) gives up its place: a spare thread takes it while tasks are queued,
// so that as many tasks run as there are workers, and waiting tasks cannot hold up those that they wait for. There
// are as many spare threads as workers at most, and more only if every thread waits. When a thread is back and all
// places are taken, the next spare thread that has ended its task goes dormant.
//
// Shutdown: run_unkept() runs the queued tasks that nobody can ask for; after close() no thread takes another task,
// and all have ended. Tasks that are still queued stay with their owner, who gets them by take_all().
//
// Any thread may push and remove.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "furrow/detail/call_node.hpp"
#include "furrow/options.hpp"
#include "os/threads/thread.hpp"
#include "pool/task/call_pump.hpp"
#include "pool/threads/spin_lock.hpp"
#include "pool/threads/task_queues.hpp"

namespace furrow::pool {

class WorkerThreads : public CallQueue {
 public:
  // INITIALIZER runs in each thread before its first task; it may be empty. Throws PoolError if it throws.
  WorkerThreads(int threads, const PoolOptions& options);
  ~WorkerThreads() override;
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;

  int size() const { return size_; }
  void push(detail::TaskNode* task);
  // Removes a task from its queue; false if a thread has already taken it.
  bool remove(detail::TaskNode* task);
  // Runs TASK here if it is queued and this is one of the worker threads, with enough of its stack left.
  bool run_if_queued(detail::TaskNode* task) override;
  bool cancel(detail::CallNode& call) noexcept override;
  // Settles the queued calls as cancelled, and ends the programs that the threads' tasks have started.
  void cancel_calls();
  // Waits until every pushed task was run or removed. Not for the worker threads themselves.
  void wait_idle();
  // How many tasks were pushed and not removed, or cancelled; and how many of them have ended.
  std::int64_t pushed();
  std::int64_t ended();
  void run_unkept();
  void close();
  detail::TaskNode* take_all() { return queues_.remove_all(); }  // linked by next

  // Exists while the current thread waits for something that a task does. Does nothing on threads that are no
  // worker threads.
  class Absence {
   public:
    Absence();
    ~Absence();
    Absence(const Absence&) = delete;
    Absence& operator=(const Absence&) = delete;
    // How long the thread may sleep before it must look(): WANTED_NS (kNoTimeout: forever) or less.
    std::int64_t at_most_ns(std::int64_t wanted_ns) const;
    void look();  // starts a thread if tasks are queued and all threads wait

   private:
    WorkerThreads* const from_;
  };

  // The WorkerThreads that this thread belongs to; null on other threads.
  static WorkerThreads* here() noexcept;
  static void reset_after_fork() noexcept;  // in a forked process, whose one thread is not a worker thread

 private:
  void serve(int worker);
  void serve_as_spare(int number);
  bool initialize(int worker);
  void fill_places(bool rescue);
  bool take_place();
  struct alignas(64) Tally {
    std::atomic<std::uint64_t> done{0};
    // Those that the thread ran while it waited for them, which are not among the former. Only the thread itself writes
    // these two.
    std::atomic<std::int64_t> inner_begun{0}, inner_ended{0};
  };
  static thread_local Tally* tally_here_;
  std::int64_t inner(std::atomic<std::int64_t> Tally::*which);
  detail::TaskNode* await();
  detail::TaskNode* look();
  bool take_parked();
  void wake();
  void count(Tally& tally);
  void notify_waiters();
  std::uint64_t done() const;
  bool all_taken_are_done();

  const int size_;
  const std::uint32_t most_looking_;
  TaskQueues queues_;
  std::vector<Tally> tallies_;                         // tasks run by each thread; the last one: by help()
  std::atomic<std::uint32_t> calls_{0};                // changed to wake threads
  alignas(64) std::atomic<std::uint32_t> waiters_{0};  // threads in wait_idle()
  std::atomic<std::uint32_t> idle_calls_{0};           // changed to wake those
  std::atomic<std::uint32_t> parked_{0};               // parked threads that no pusher is waking yet
  std::atomic<std::uint32_t> looking_{0};              // threads that look for a task without being parked
  std::atomic<std::uint32_t> started_{0};              // threads that have run the initializer
  std::atomic<bool> closed_{false};
  std::atomic<std::int64_t> cancelled_{0};  // calls that were cancelled while they were queued
  std::atomic<int> absent_{0};              // threads that wait inside a task
  std::atomic<int> present_{0};             // all others that may take tasks; changed under places_lock_
  const WorkerFunction initializer_, finalizer_;
  const std::size_t stack_size_;
  SpinLock error_lock_;
  std::string error_;       // what an initializer threw
  std::mutex places_lock_;  // guards what follows
  std::condition_variable spares_called_;
  std::vector<int> users_;    // how many present threads have each worker's number
  std::vector<int> invited_;  // the numbers for dormant spares that should come
  struct Started {
    pid_t thread;
    std::int64_t at_ns;  // after the initializer
  };
  std::vector<Started> started_threads_;
  std::size_t dormant_ = 0;          // spares that wait for that, those that are invited included
  std::deque<Tally> spare_tallies_;  // for inner tasks, one for each spare
  std::vector<os::Thread> spares_;
  std::vector<os::Thread> threads_;
};

}  // namespace furrow::pool
