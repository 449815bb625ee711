// Threads that take tasks from one queue.
//
// Threads: parked until there is a task, for which they look for some 20 us before they park again; started
// by the constructor, ended by the destructor. Tasks are taken in the order they came in, and run by one
// thread each. Shutdown: close() lets no thread take another task; the destructor then joins them. What is
// still queued stays with its owner, who gets it by take_all().
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
  // The same, and later reads of this thread come after it in the one order of all seq_cst operations.
  void unlock_fenced() noexcept { held_.exchange(false, std::memory_order_seq_cst); }

 private:
  std::atomic<bool> held_{false};
};

class ThreadCrew {
 public:
  // INITIALIZER runs in each thread before its first task; may be empty. Throws PoolError where one of them
  // throws.
  ThreadCrew(int threads, const std::function<void()>& initializer);
  ~ThreadCrew();
  ThreadCrew(const ThreadCrew&) = delete;
  ThreadCrew& operator=(const ThreadCrew&) = delete;

  int size() const { return static_cast<int>(threads_.size()); }
  void push(detail::TaskNode* task);
  // Takes a task out again; false where a thread has taken it already.
  bool remove(detail::TaskNode* task);
  // Runs one queued task on this thread, if there is one.
  bool help();
  void wait_idle();  // until every task that was pushed has been run or removed; on no thread of the crew
  void close();
  detail::TaskNode* take_all();  // linked by next

  // The crew whose thread this is, and which of its threads; null on others.
  static ThreadCrew* here() noexcept;
  static void leave() noexcept;  // a forked process, whose one thread is no thread of a crew
  static int worker_here() noexcept;

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
  std::uint64_t pushed_ = 0;                           // and never removed; under the lock
  std::vector<Tally> tallies_;                         // tasks run: by each thread, and by helpers
  std::atomic<std::uint32_t> calls_{0};                // rung to wake threads
  alignas(64) std::atomic<std::uint32_t> waiters_{0};  // threads in wait_idle()
  std::atomic<std::uint32_t> idle_calls_{0};           // rung to wake those
  std::atomic<std::uint32_t> parked_{0};   // threads that wait for a ring, and that nobody calls yet
  std::atomic<std::uint32_t> started_{0};  // threads that are past their initializer
  std::atomic<bool> closed_{false};
  SpinLock error_lock_;
  std::string error_;  // what an initializer threw
  std::vector<std::jthread> threads_;
};

}  // namespace furrow::pool
