#include "pool/threads/task_queues.hpp"

#include <mutex>
#include <utility>

namespace furrow::pool {

namespace {

constexpr std::uint32_t kCommonTurn = 16;  // after so many tasks of its own, a worker takes a common one
constexpr std::uint32_t kStealingTurn =
    4;  // each so many turns of a worker that has none begin with those of others
constexpr std::uint64_t kSeveral = 8;    // common tasks that are taken at once,
constexpr std::uint64_t kManyEach = 16;  // if more than so many wait for each worker

}  // namespace

TaskQueues::TaskQueues(int workers)
    : queues_(static_cast<std::size_t>(workers) + 1),
      many_(kManyEach * static_cast<std::uint64_t>(workers)) {}

void TaskQueues::push(detail::TaskNode* task, int worker) {
  Queue& queue = queue_of(worker);
  queue.lock.lock();
  task->next = nullptr;
  task->previous = queue.last;
  task->queue.store(worker + 1, std::memory_order_relaxed);
  (queue.last ? queue.last->next : queue.first) = task;
  queue.last = task;
  queue.size.store(queue.size.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  queue.pushes.store(queue.pushes.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  queue.lock.unlock_fenced();
}

void TaskQueues::unlink(Queue& queue, detail::TaskNode* task) {
  (task->previous ? task->previous->next : queue.first) = task->next;
  (task->next ? task->next->previous : queue.last) = task->previous;
  task->queue.store(detail::TaskNode::kNotQueued, std::memory_order_relaxed);
  queue.size.store(queue.size.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

bool TaskQueues::remove(detail::TaskNode* task) {
  for (;;) {
    const std::int32_t number = task->queue.load(std::memory_order_relaxed);
    if (number == detail::TaskNode::kNotQueued) return false;
    Queue& queue = queues_[static_cast<std::size_t>(number)];
    const std::lock_guard lock(queue.lock);
    if (task->queue.load(std::memory_order_relaxed) != number) continue;  // it has just been taken, or moved
    unlink(queue, task);
    return true;
  }
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

// Returns the oldest common task, and moves those after it. Both queues are locked meanwhile, so whoever removes one of
// them finds it. A worker takes its newest first, so they go there in reverse.
detail::TaskNode* TaskQueues::take_several(Queue& own) {
  const std::lock_guard lock_own(own.lock);
  const std::lock_guard lock(common().lock);
  const std::uint64_t waiting = common().size.load(std::memory_order_relaxed);
  if (gives_only_unkept() || waiting <= many_) return nullptr;
  detail::TaskNode* const taken = common().first;
  detail::TaskNode* const newest = taken->next;
  detail::TaskNode* oldest = nullptr;
  detail::TaskNode* rest = newest;
  for (std::uint64_t i = 1; i < kSeveral; ++i) {
    rest->queue.store(static_cast<std::int32_t>(&own - queues_.data()), std::memory_order_relaxed);
    std::swap(rest->next, rest->previous);
    oldest = std::exchange(rest, rest->previous);
  }
  newest->next = nullptr;
  oldest->previous = own.last;
  (own.last ? own.last->next : own.first) = oldest;
  own.last = newest;
  rest->previous = nullptr;
  common().first = rest;
  taken->queue.store(detail::TaskNode::kNotQueued, std::memory_order_relaxed);
  ++common().taken;
  own.size.store(own.size.load(std::memory_order_relaxed) + kSeveral - 1, std::memory_order_release);
  common().size.store(waiting - kSeveral, std::memory_order_release);
  return taken;
}

detail::TaskNode* TaskQueues::take_common(Queue& own) {
  if (common().size.load(std::memory_order_relaxed) > many_)
    if (detail::TaskNode* task = take_several(own)) return task;
  return take_from(common(), End::kOldest);
}

detail::TaskNode* TaskQueues::steal(const Queue& own) {
  const auto workers = static_cast<std::ptrdiff_t>(queues_.size()) - 1;
  const std::ptrdiff_t mine = &own - queues_.data();
  for (std::ptrdiff_t i = 1; i < workers; ++i) {
    Queue& other = queues_[static_cast<std::size_t>(1 + (mine - 1 + i) % workers)];
    if (detail::TaskNode* task = take_from(other, End::kOldest)) return task;
  }
  return nullptr;
}

detail::TaskNode* TaskQueues::take(int worker) {
  Queue& own = queue_of(worker);
  if (own.size.load(std::memory_order_relaxed) != 0) {
    if (own.pushes.load(std::memory_order_relaxed) >= kCommonTurn) {
      own.pushes.store(0, std::memory_order_relaxed);
      if (detail::TaskNode* task = take_from(common(), End::kOldest)) return task;
    }
    if (detail::TaskNode* task = take_from(own, End::kNewest)) return task;
  } else {
    const std::uint32_t turn = own.empty_turns.load(std::memory_order_relaxed) + 1;
    own.empty_turns.store(turn, std::memory_order_relaxed);
    if (turn % kStealingTurn == 0)
      if (detail::TaskNode* task = steal(own)) return task;
  }
  if (detail::TaskNode* task = take_common(own)) return task;
  return steal(own);
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
