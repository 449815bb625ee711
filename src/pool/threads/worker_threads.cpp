#include "pool/threads/worker_threads.hpp"

#include <pthread.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>

#include "os/events/clock.hpp"
#include "os/events/futex.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

namespace {

thread_local WorkerThreads* threads_here = nullptr;
thread_local int number_here = 0;
thread_local const char* stack_reserve =
    nullptr;  // this thread's stack below it is not for tasks inside tasks

constexpr std::int64_t kLook_ns = 50'000'000;  // between looks of an absent thread
constexpr int kShortLook = 64;  // times that a thread looks before it says so: tasks often follow closely
constexpr std::size_t kMostSpares = 4096;

// Half of the stack is left to the innermost task.
const char* middle_of_stack() {
  pthread_attr_t attributes;
  if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return nullptr;
  void* lowest = nullptr;
  std::size_t size = 0;
  ::pthread_attr_getstack(&attributes, &lowest, &size);
  ::pthread_attr_destroy(&attributes);
  return static_cast<const char*>(lowest) + size / 2;
}

bool has_stack_left() {
  return std::less<>()(stack_reserve, static_cast<const char*>(__builtin_frame_address(0)));
}

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
  detail::acquired(this);
}

WorkerThreads* WorkerThreads::here() noexcept { return threads_here; }
void WorkerThreads::reset_after_fork() noexcept { threads_here = nullptr; }

WorkerThreads::WorkerThreads(int threads, const std::function<void()>& initializer)
    : size_(threads),
      most_looking_(static_cast<std::uint32_t>(threads + 1) / 2),
      tallies_(static_cast<std::size_t>(threads) + 1),
      present_(threads),
      initializer_(initializer),
      users_(static_cast<std::size_t>(threads), 1) {
  threads_.reserve(static_cast<std::size_t>(threads));
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { serve(i); });
  } catch (const std::system_error& error) {
    close();
    throw PoolError("cannot start thread " + std::to_string(threads_.size() + 1) + " of " +
                    std::to_string(threads) + ": " + error.what());
  }
  // Wait until all threads have run the initializer: it may have failed.
  for (std::uint32_t seen = started_; seen < static_cast<std::uint32_t>(threads); seen = started_)
    started_.wait(seen);
  detail::acquired(&started_);
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
  std::vector<std::jthread> spares;
  {
    const std::lock_guard lock(places_lock_);
    spares.swap(spares_);
    spares_called_.notify_all();
  }
}

bool WorkerThreads::initialize(int worker) {
  threads_here = this;
  number_here = worker;
  stack_reserve = middle_of_stack();
  try {
    if (initializer_) initializer_();
    return true;
  } catch (...) {
    const std::lock_guard lock(error_lock_);
    error_ = "the initializer failed in worker " + std::to_string(worker) + ": " + current_failure().message;
    return false;
  }
}

void WorkerThreads::serve(int worker) {
  initialize(worker);
  detail::released(&started_);
  started_.fetch_add(1);
  started_.notify_all();
  while (detail::TaskNode* task = await()) {
    task->execute(worker);
    count(tallies_[static_cast<std::size_t>(worker)]);
  }
}

// A pusher counts its task and then checks for threads that look for one, and for parked ones; a thread that has
// stopped looking counts itself as parked and then checks the number of tasks. All are seq_cst, in one order for all
// threads, so at least one sees the other. While a thread looks, no other is woken: the last one that looks wakes the
// next when it finds more tasks than its own.
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
  if (looking_.load(std::memory_order_seq_cst) == 0 && take_parked())
    wake();
  else if (absent_.load(std::memory_order_seq_cst) > 0)
    fill_places(false);
}

bool WorkerThreads::remove(detail::TaskNode* task) {
  const std::lock_guard lock(lock_);
  if (!task->queued) return false;
  unlink(task);
  --pushed_;
  return true;
}

void WorkerThreads::unlink(detail::TaskNode* task) {
  (task->previous ? task->previous->next : first_) = task->next;
  (task->next ? task->next->previous : last_) = task->previous;
  task->queued = false;
  queued_.store(queued_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

detail::TaskNode* WorkerThreads::pop() {
  if (queued_.load(std::memory_order_relaxed) == 0) return nullptr;
  const std::lock_guard lock(lock_);
  detail::TaskNode* const task = first_;
  if (!task || (only_unkept_ && task->is_kept())) return nullptr;
  unlink(task);
  return task;
}

bool WorkerThreads::has_work() {
  if (queued_.load(std::memory_order_seq_cst) == 0) return false;
  if (!only_unkept_) return true;
  const std::lock_guard lock(lock_);
  return first_ && !first_->is_kept();
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

// The task that waits for it counts as running until this one has ended, so this one is not counted.
bool WorkerThreads::run_if_queued(detail::TaskNode* task) {
  if (threads_here != this || !has_stack_left() || !remove(task)) return false;
  task->execute(number_here);
  return true;
}

// Moves queued tasks that nobody can ask for to the front; false if there are none.
bool WorkerThreads::prefer_unkept() {
  const std::lock_guard lock(lock_);
  if (first_ && !first_->is_kept()) return true;
  detail::TaskNode* ends[2][2] = {};  // first and last, of those not kept and kept
  for (detail::TaskNode* each = first_; each;) {
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
  first_ = any ? ends[0][0] : ends[1][0];
  last_ = ends[1][1] ? ends[1][1] : ends[0][1];
  return any;
}

// From now on the threads take only those; tasks that they wait for are run as well. A running task may push more.
void WorkerThreads::run_unkept() {
  only_unkept_ = true;
  waiters_.fetch_add(1);
  for (;;) {
    const std::uint32_t seen = idle_calls_.load();
    lock_.lock();
    const std::uint64_t begun = pushed_ - queued_.load(std::memory_order_relaxed);
    lock_.unlock();
    const bool all_ended = done() == begun;
    if (prefer_unkept()) {
      while (take_parked()) wake();
      fill_places(false);
    } else if (all_ended) {
      break;
    }
    idle_calls_.wait(seen);
  }
  waiters_.fetch_sub(1);
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
  detail::released(&tallies_);
  tally.done.fetch_add(1, std::memory_order_seq_cst);
  if (waiters_.load(std::memory_order_seq_cst) == 0) return;
  idle_calls_.fetch_add(1);
  idle_calls_.notify_all();
}

std::uint64_t WorkerThreads::done() const {
  std::uint64_t sum = 0;
  for (const Tally& each : tallies_) sum += each.done.load(std::memory_order_seq_cst);
  detail::acquired(&tallies_);
  return sum;
}

void WorkerThreads::wait_idle() {
  const Absence absence;
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

// Looks for a task for a while. No more than half of the threads do so at once: they take the cores from others.
detail::TaskNode* WorkerThreads::look() {
  for (int i = 0; i < kShortLook; ++i) {
    if (detail::TaskNode* task = pop()) return task;
    pause();
  }
  if (looking_.fetch_add(1, std::memory_order_seq_cst) < most_looking_) {
    const std::int64_t until = os::monotonic_ns() + os::kSpinNs;
    do {
      for (int i = 0; i < 16; ++i) pause();
      if (detail::TaskNode* task = pop()) {
        const bool last = looking_.fetch_sub(1, std::memory_order_seq_cst) == 1;
        if (last && queued_.load(std::memory_order_seq_cst) > 0 && take_parked()) wake();
        return task;
      }
    } while (!closed_.load(std::memory_order_relaxed) && os::monotonic_ns() < until);
  }
  looking_.fetch_sub(1, std::memory_order_seq_cst);
  return nullptr;
}

detail::TaskNode* WorkerThreads::await() {
  for (;;) {
    if (closed_.load(std::memory_order_relaxed)) return nullptr;
    if (detail::TaskNode* task = look()) return task;
    const std::uint32_t seen = calls_.load(std::memory_order_acquire);
    parked_.fetch_add(1, std::memory_order_seq_cst);
    if (!has_work() && !closed_.load())
      calls_.wait(seen, std::memory_order_acquire);
    else
      take_parked();
  }
}

// Places. A pusher counts its task and then looks for absent threads; an absent thread counts itself and then looks
// for tasks; a spare gives up its place and then looks for tasks. So one of them sees that a place is to be filled.

WorkerThreads::Absence::Absence() : from_(threads_here) {
  if (!from_) return;
  {
    const std::lock_guard lock(from_->places_lock_);
    --from_->users_[static_cast<std::size_t>(number_here)];
    from_->present_.fetch_sub(1);
    from_->absent_.fetch_add(1);
  }
  from_->fill_places(false);
}

WorkerThreads::Absence::~Absence() {
  if (!from_) return;
  const std::lock_guard lock(from_->places_lock_);
  ++from_->users_[static_cast<std::size_t>(number_here)];
  from_->present_.fetch_add(1);
  from_->absent_.fetch_sub(1);
}

std::int64_t WorkerThreads::Absence::at_most_ns(std::int64_t wanted_ns) const {
  return from_ && (wanted_ns < 0 || wanted_ns > kLook_ns) ? kLook_ns : wanted_ns;
}

void WorkerThreads::Absence::look() {
  if (from_ && from_->present_.load() == 0) from_->fill_places(true);
}

// RESCUE: starts a spare thread beyond the usual number if no thread is present.
void WorkerThreads::fill_places(bool rescue) {
  if (queued_.load(std::memory_order_seq_cst) == 0) return;
  const std::lock_guard lock(places_lock_);
  for (std::uint64_t tasks = queued_.load(); tasks > 0 && present_.load() < size(); --tasks) {
    const auto free = std::find(users_.begin(), users_.end(), 0);
    const int number = free == users_.end() ? 0 : static_cast<int>(free - users_.begin());
    const std::size_t most = rescue && present_.load() == 0 ? kMostSpares : users_.size();
    if (dormant_ > invited_.size()) {
      invited_.push_back(number);
      spares_called_.notify_one();
    } else if (spares_.size() < most) {
      try {
        spares_.emplace_back([this, number] { serve_as_spare(number); });
      } catch (const std::system_error&) {
        return;  // those that there are must do
      }
    } else {
      return;
    }
    ++users_[static_cast<std::size_t>(number)];
    present_.fetch_add(1);
  }
}

void WorkerThreads::serve_as_spare(int number) {
  if (!initialize(number)) {
    const std::lock_guard lock(places_lock_);
    --users_[static_cast<std::size_t>(number)];
    present_.fetch_sub(1);
    return;
  }
  do {
    while (present_.load(std::memory_order_relaxed) <= size()) {
      detail::TaskNode* const task = pop();
      if (!task) break;
      task->execute(number_here);
      count(tallies_.back());
    }
  } while (take_place());
}

// Gives up this spare thread's place, and waits until it gets another; false when the threads end.
bool WorkerThreads::take_place() {
  std::unique_lock lock(places_lock_);
  const auto mine = static_cast<std::size_t>(number_here);
  --users_[mine];
  present_.fetch_sub(1);
  if (present_.load() < size() && queued_.load() > 0 && !only_unkept_ && absent_.load() > 0) {
    ++users_[mine];
    present_.fetch_add(1);
    return true;
  }
  ++dormant_;
  spares_called_.wait(lock, [this] { return !invited_.empty() || closed_.load(); });
  --dormant_;
  if (invited_.empty()) return false;
  number_here = invited_.back();
  invited_.pop_back();
  return true;
}

}  // namespace furrow::pool
