#include "pool/threads/worker_threads.hpp"

#include <mutex>

#include "os/events/clock.hpp"
#include "os/events/futex.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

namespace {

thread_local WorkerThreads* threads_here = nullptr;
thread_local int number_here = 0;

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

void SpinLock::lock() noexcept {
  for (int tries = 0; held_.exchange(true, std::memory_order_acquire); ++tries) {
    while (held_.load(std::memory_order_relaxed)) {
      if (++tries < 64)
        pause();
      else
        std::this_thread::yield();  // its holder may be waiting for this core
    }
  }
}

WorkerThreads* WorkerThreads::here() noexcept { return threads_here; }
void WorkerThreads::reset_after_fork() noexcept { threads_here = nullptr; }

WorkerThreads::WorkerThreads(int threads, const std::function<void()>& initializer)
    : tallies_(static_cast<std::size_t>(threads) + 1) {
  threads_.reserve(static_cast<std::size_t>(threads));
  try {
    for (int i = 0; i < threads; ++i)
      threads_.emplace_back([this, i, &initializer] { serve(i, initializer); });
  } catch (const std::system_error& error) {
    close();
    throw PoolError("cannot start thread " + std::to_string(threads_.size() + 1) + " of " +
                    std::to_string(threads) + ": " + error.what());
  }
  // INITIALIZER is borrowed, so wait until all threads have run it.
  for (std::uint32_t seen = started_; seen < static_cast<std::uint32_t>(threads); seen = started_)
    started_.wait(seen);
  if (!error_.empty()) {
    close();
    throw PoolError(error_);
  }
}

WorkerThreads::~WorkerThreads() { close(); }

void WorkerThreads::close() {
  closed_.store(true);
  calls_.fetch_add(1);
  calls_.notify_all();
  threads_.clear();  // joins
}

void WorkerThreads::serve(int worker, const std::function<void()>& initializer) {
  threads_here = this;
  number_here = worker;
  try {
    if (initializer) initializer();
  } catch (...) {
    const std::lock_guard lock(error_lock_);
    error_ = "the initializer failed in worker " + std::to_string(worker) + ": " + current_failure().message;
  }
  started_.fetch_add(1);
  started_.notify_all();
  while (detail::TaskNode* task = await()) {
    task->execute(worker);
    count(tallies_[static_cast<std::size_t>(worker)]);
  }
}

// A pusher counts its task and then checks for parked threads; a thread counts itself as parked and then
// checks the number of tasks. All are seq_cst, in one order for all threads, so at least one sees the other.
void WorkerThreads::push(detail::TaskNode* task) {
  lock_.lock();
  task->next = nullptr;
  task->previous = last_;
  task->queued = true;
  (last_ ? last_->next : first_) = task;
  last_ = task;
  ++pushed_;
  queued_.store(queued_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  lock_.unlock_fenced();
  if (take_parked()) wake();
}

bool WorkerThreads::remove(detail::TaskNode* task) {
  const std::lock_guard lock(lock_);
  if (!task->queued) return false;
  (task->previous ? task->previous->next : first_) = task->next;
  (task->next ? task->next->previous : last_) = task->previous;
  task->queued = false;
  --pushed_;
  queued_.store(queued_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  return true;
}

detail::TaskNode* WorkerThreads::pop() {
  if (queued_.load(std::memory_order_relaxed) == 0) return nullptr;
  const std::lock_guard lock(lock_);
  detail::TaskNode* task = first_;
  if (!task) return nullptr;
  first_ = task->next;
  (first_ ? first_->previous : last_) = nullptr;
  task->queued = false;
  queued_.store(queued_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  return task;
}

detail::TaskNode* WorkerThreads::take_all() {
  const std::lock_guard lock(lock_);
  detail::TaskNode* all = std::exchange(first_, nullptr);
  last_ = nullptr;
  pushed_ -= queued_.load(std::memory_order_relaxed);
  queued_.store(0, std::memory_order_relaxed);
  for (detail::TaskNode* each = all; each; each = each->next) each->queued = false;
  return all;
}

bool WorkerThreads::help() {
  detail::TaskNode* task = pop();
  if (!task) return false;
  task->execute(threads_here == this ? number_here : 0);
  count(tallies_.back());
  return true;
}

// The thread that wakes another also uncounts it, so that pushes until that one runs need no system call.
bool WorkerThreads::take_parked() {
  std::uint32_t parked = parked_.load(std::memory_order_seq_cst);
  while (parked > 0)
    if (parked_.compare_exchange_weak(parked, parked - 1, std::memory_order_seq_cst)) return true;
  return false;
}

void WorkerThreads::wake() {
  calls_.fetch_add(1, std::memory_order_release);
  calls_.notify_one();
}

void WorkerThreads::count(Tally& tally) {
  tally.done.fetch_add(1, std::memory_order_seq_cst);
  if (waiters_.load(std::memory_order_seq_cst) == 0) return;
  idle_calls_.fetch_add(1);
  idle_calls_.notify_all();
}

std::uint64_t WorkerThreads::done() const {
  std::uint64_t sum = 0;
  for (const Tally& each : tallies_) sum += each.done.load(std::memory_order_seq_cst);
  return sum;
}

void WorkerThreads::wait_idle() {
  waiters_.fetch_add(1);
  for (;;) {
    const std::uint32_t seen = idle_calls_.load();
    lock_.lock();
    const std::uint64_t pushed = pushed_;
    lock_.unlock();
    if (done() == pushed) break;
    idle_calls_.wait(seen);
  }
  waiters_.fetch_sub(1);
}

detail::TaskNode* WorkerThreads::await() {
  for (;;) {
    const std::int64_t until = os::monotonic_ns() + os::kSpinNs;
    do {
      if (closed_.load(std::memory_order_relaxed)) return nullptr;
      if (detail::TaskNode* task = pop()) return task;
      for (int i = 0; i < 16; ++i) pause();
    } while (os::monotonic_ns() < until);

    const std::uint32_t seen = calls_.load(std::memory_order_acquire);
    parked_.fetch_add(1, std::memory_order_seq_cst);
    if (queued_.load(std::memory_order_seq_cst) == 0 && !closed_.load())
      calls_.wait(seen, std::memory_order_acquire);
    else
      take_parked();
  }
}

}  // namespace furrow::pool
