// The tasks that wait for the threads of a Pool: a queue for each worker, and a common one for the tasks of all other
// threads.
//
// A worker takes its own newest task, since what that needs is still in its cache; else the oldest common one; else the
// oldest one of another worker, which in a recursion is the largest. After some pushes it takes a common one first, so
// that tasks which push tasks without end do not keep those waiting.
//
// If many common tasks wait, a worker takes several under one lock, and keeps all but the first in its own queue: else
// the lock would cost more than cheap tasks do. Now and then a worker that has none looks at the other workers' queues
// before the common one, so that a task which was kept there behind a long one does not wait for the common queue to be
// empty.
//
// Each queue is a list under a spin lock that is held for a few stores. While all workers are busy with tasks of their
// own, none writes what another reads.
//
// Thread-safety: any thread may call anything. Tasks are borrowed until they are taken or removed.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "furrow/detail/call_node.hpp"
#include "pool/threads/spin_lock.hpp"

namespace furrow::pool {

class TaskQueues {
 public:
  static constexpr int kNoWorker = -1;  // its queue is the common one

  explicit TaskQueues(int workers);

  // Adds a task of WORKER's, or of a thread that is none. In the single order of all seq_cst operations, what this
  // thread reads later comes after it.
  void push(detail::TaskNode* task, int worker);
  // Removes a task; false if a thread has already taken it.
  bool remove(detail::TaskNode* task);
  // A task for WORKER; null if there is none.
  detail::TaskNode* take(int worker);
  detail::TaskNode* remove_all();    // linked by next
  detail::TaskNode* remove_calls();  // those that are calls, linked by next

  // From now on take() gives only tasks whose result nobody can ask for.
  void give_only_unkept() { only_unkept_.store(true); }
  bool gives_only_unkept() const { return only_unkept_.load(std::memory_order_relaxed); }
  // Moves those to the front of their queues; false if there are none.
  bool prefer_unkept();

  std::uint64_t size() const;  // seq_cst
  bool has_any();              // for take(); seq_cst
  // How many tasks wait, and how many were ever taken. Each queue's two are of one moment.
  struct Counts {
    std::uint64_t waiting = 0;
    std::uint64_t taken = 0;
  };
  Counts counts();

 private:
  struct alignas(128) Queue {
    SpinLock lock{};
    // Changed under the lock.
    detail::TaskNode* first = nullptr;
    detail::TaskNode* last = nullptr;
    std::atomic<std::uint64_t> size{0};
    std::uint64_t taken = 0;
    std::atomic<std::uint32_t> pushes{0};       // of its worker, since that took a common task
    std::atomic<std::uint32_t> empty_turns{0};  // how often its worker has come while it held no tasks
  };
  enum class End : std::uint8_t { kOldest, kNewest };

  Queue& common() { return queues_.front(); }
  Queue& queue_of(int worker) { return queues_[static_cast<std::size_t>(worker + 1)]; }
  detail::TaskNode* take_from(Queue& queue, End end);
  detail::TaskNode* take_common(Queue& own);
  detail::TaskNode* take_several(Queue& own);
  detail::TaskNode* steal(const Queue& own);
  static void unlink(Queue& queue, detail::TaskNode* task);
  static bool prefer_unkept(Queue& queue);

  // The common one, and each worker's. Tasks move from the first to another one and nowhere else, so whoever looks at
  // the sizes in this order overlooks none.
  std::vector<Queue> queues_;
  std::uint64_t many_;  // common tasks
  std::atomic<bool> only_unkept_{false};
};

}  // namespace furrow::pool
