#include "pool/threads/task_queues.hpp"

#include <mutex>
#include <utility>

namespace furrow::pool {

namespace {

constexpr std::uint32_t kCommonTurn = 16;  // each so many turns of a worker begin with the common queue

}  // namespace

TaskQueues::TaskQueues(int workers) : queues_(static_cast<std::size_t>(workers) + 1) {}

void TaskQueues::push(detail::TaskNode* task, int worker) {
  const std::size_t number = worker == kNoWorker ? queues_.size() - 1 : static_cast<std::size_t>(worker);
  Queue& queue = queues_[number];
  queue.lock.lock();
  task->next = nullptr;
  task->previous = queue.last;
  task->queue.store(static_cast<std::int32_t>(number), std::memory_order_relaxed);
  (queue.last ? queue.last->next : queue.first) = task;
  queue.last = task;
  queue.size.store(queue.size.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  queue.lock.unlock_fenced();
}

void TaskQueues::unlink(Queue& queue, detail::TaskNode* task) {
  (task->previous ? task->previous->next : queue.first) = task->next;
  (task->next ? task->next->previous : queue.last) = task->previous;
  task->queue.store(detail::TaskNode::kNotQueued, std::memory_order_relaxed);
  queue.size.store(queue.size.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

bool TaskQueues::remove(detail::TaskNode* task) {
  const std::int32_t number = task->queue.load(std::memory_order_relaxed);
  if (number == detail::TaskNode::kNotQueued) return false;
  Queue& queue = queues_[static_cast<std::size_t>(number)];
  const std::lock_guard lock(queue.lock);
  if (task->queue.load(std::memory_order_relaxed) != number) return false;
  unlink(queue, task);
  return true;
}

detail::TaskNode* TaskQueues::take_from(Queue& queue, End end) {
  if (queue.size.load(std::memory_order_relaxed) == 0) return nullptr;
  const std::lock_guard lock(queue.lock);
  const bool only_unkept = gives_only_unkept();
  detail::TaskNode* const task = end == End::kNewest && !only_unkept ? queue.last : queue.first;
  if (!task || (only_unkept && task->is_kept())) return nullptr;
  unlink(queue, task);
  ++queue.taken;
  return task;
}

detail::TaskNode* TaskQueues::take(int worker) {
  const std::size_t workers = queues_.size() - 1;
  const auto mine = static_cast<std::size_t>(worker);
  Queue& own = queues_[mine];
  if (own.size.load(std::memory_order_relaxed) != 0) {
    const std::uint32_t turn = own.turns.load(std::memory_order_relaxed) + 1;
    own.turns.store(turn, std::memory_order_relaxed);
    if (turn % kCommonTurn == 0)
      if (detail::TaskNode* task = take_from(common(), End::kOldest)) return task;
    if (detail::TaskNode* task = take_from(own, End::kNewest)) return task;
  }
  if (detail::TaskNode* task = take_from(common(), End::kOldest)) return task;
  for (std::size_t i = 1; i < workers; ++i) {
    Queue& other = queues_[mine + i < workers ? mine + i : mine + i - workers];
    if (detail::TaskNode* task = take_from(other, End::kOldest)) return task;
  }
  return nullptr;
}

detail::TaskNode* TaskQueues::remove_all() {
  detail::TaskNode* all = nullptr;
  detail::TaskNode** end = &all;
  for (Queue& queue : queues_) {
    const std::lock_guard lock(queue.lock);
    *end = std::exchange(queue.first, nullptr);
    queue.last = nullptr;
    queue.size.store(0, std::memory_order_relaxed);
    for (; *end; end = &(*end)->next)
      (*end)->queue.store(detail::TaskNode::kNotQueued, std::memory_order_relaxed);
  }
  return all;
}

detail::TaskNode* TaskQueues::remove_calls() {
  detail::TaskNode* calls = nullptr;
  for (Queue& queue : queues_) {
    const std::lock_guard lock(queue.lock);
    for (detail::TaskNode* each = queue.first; each;) {
      detail::TaskNode* const next = each->next;
      if (each->is_call()) {
        unlink(queue, each);
        each->next = calls;
        calls = each;
      }
      each = next;
    }
  }
  return calls;
}

bool TaskQueues::prefer_unkept() {
  bool any = false;
  for (Queue& queue : queues_) any = prefer_unkept(queue) || any;
  return any;
}

bool TaskQueues::prefer_unkept(Queue& queue) {
  const std::lock_guard lock(queue.lock);
  if (queue.first && !queue.first->is_kept()) return true;
  detail::TaskNode* ends[2][2] = {};  // first and last, of those not kept and kept
  for (detail::TaskNode* each = queue.first; each;) {
    detail::TaskNode* const next = each->next;
    auto& [first, last] = ends[each->is_kept()];
    each->previous = last;
    each->next = nullptr;
    (last ? last->next : first) = each;
    last = each;
    each = next;
  }
  const bool any = ends[0][0] != nullptr;
  if (any && ends[1][0]) {
    ends[0][1]->next = ends[1][0];
    ends[1][0]->previous = ends[0][1];
  }
  queue.first = any ? ends[0][0] : ends[1][0];
  queue.last = ends[1][1] ? ends[1][1] : ends[0][1];
  return any;
}

std::uint64_t TaskQueues::size() const {
  std::uint64_t sum = 0;
  for (const Queue& queue : queues_) sum += queue.size.load(std::memory_order_seq_cst);
  return sum;
}

bool TaskQueues::has_any() {
  for (Queue& queue : queues_) {
    if (queue.size.load(std::memory_order_seq_cst) == 0) continue;
    if (!gives_only_unkept()) return true;
    const std::lock_guard lock(queue.lock);
    if (queue.first && !queue.first->is_kept()) return true;
  }
  return false;
}

TaskQueues::Counts TaskQueues::counts() {
  Counts sum;
  for (Queue& queue : queues_) {
    const std::lock_guard lock(queue.lock);
    sum.waiting += queue.size.load(std::memory_order_relaxed);
    sum.taken += queue.taken;
  }
  return sum;
}

}  // namespace furrow::pool
