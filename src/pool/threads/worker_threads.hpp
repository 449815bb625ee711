// Threads that take tasks from one queue.
//
// The constructor starts the threads, and the destructor ends them. An idle thread looks for a task for some
// 20 us, and then parks until there is one. Tasks are taken in the order they were pushed, and each is run by
// one thread. Shutdown: after close() no thread takes another task; the destructor joins the threads. Tasks
// that are still queued stay with their owner, who gets them by take_all().
//
// Any thread may push, remove and help. The queue is a list under a spin lock that is held for a few stores.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "furrow/detail/call_node.hpp"

namespace furrow::pool {

class SpinLock {
 public:
  void lock() noexcept;
  void unlock() noexcept { held_.store(false, std::memory_order_release); }
  // The same; and in the single order of all seq_cst operations, this thread's later reads come after it.
  void unlock_fenced() noexcept { held_.exchange(false, std::memory_order_seq_cst); }

 private:
  std::atomic<bool> held_{false};
};

class WorkerThreads {
 public:
  // INITIALIZER runs in each thread before its first task; it may be empty. Throws PoolError if it throws.
  WorkerThreads(int threads, const std::function<void()>& initializer);
  ~WorkerThreads();
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;

  int size() const { return static_cast<int>(threads_.size()); }
  void push(detail::TaskNode* task);
  // Removes a task from the queue; false if a thread has already taken it.
  bool remove(detail::TaskNode* task);
  // Runs one queued task on this thread, if there is one.
  bool help();
  // Waits until every pushed task was run or removed. Not for the worker threads themselves.
  void wait_idle();
  void close();
  detail::TaskNode* take_all();  // linked by next

  // The WorkerThreads that this thread belongs to; null on other threads.
  static WorkerThreads* here() noexcept;
  static void reset_after_fork() noexcept;  // in a forked process, whose one thread is not a worker thread

 private:
  void serve(int worker, const std::function<void()>& initializer);
  struct alignas(64) Tally {
    std::atomic<std::uint64_t> done{0};
  };
  detail::TaskNode* pop();
  detail::TaskNode* await();
  bool take_parked();
  void wake();
  void count(Tally& tally);
  std::uint64_t done() const;

  SpinLock lock_;
  detail::TaskNode* first_ = nullptr;
  detail::TaskNode* last_ = nullptr;
  std::atomic<std::uint64_t> queued_{0};               // changed under the lock
  std::uint64_t pushed_ = 0;                           // tasks pushed and not removed; under the lock
  std::vector<Tally> tallies_;                         // tasks run by each thread; the last one: by help()
  std::atomic<std::uint32_t> calls_{0};                // changed to wake threads
  alignas(64) std::atomic<std::uint32_t> waiters_{0};  // threads in wait_idle()
  std::atomic<std::uint32_t> idle_calls_{0};           // changed to wake those
  std::atomic<std::uint32_t> parked_{0};               // parked threads that no pusher is waking yet
  std::atomic<std::uint32_t> started_{0};              // threads that have run the initializer
  std::atomic<bool> closed_{false};
  SpinLock error_lock_;
  std::string error_;  // what an initializer threw
  std::vector<std::jthread> threads_;
};

}  // namespace furrow::pool
