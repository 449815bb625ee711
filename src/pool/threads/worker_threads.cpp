#include "pool/threads/worker_threads.hpp"

#include <pthread.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>

#include "os/events/clock.hpp"
#include "os/events/futex.hpp"
#include "os/process/process_tree.hpp"
#include "pool/task/failure.hpp"
#include "pool/task/finalizer.hpp"
#include "pool/threads/pause.hpp"

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

}  // namespace

thread_local WorkerThreads::Tally* WorkerThreads::tally_here_ = nullptr;

WorkerThreads* WorkerThreads::here() noexcept { return threads_here; }
void WorkerThreads::reset_after_fork() noexcept { threads_here = nullptr; }

WorkerThreads::WorkerThreads(int threads, const PoolOptions& options)
    : size_(threads),
      most_looking_(static_cast<std::uint32_t>(threads + 1) / 2),
      queues_(threads),
      tallies_(static_cast<std::size_t>(threads) + 1),
      present_(threads),
      initializer_(options.initializer),
      finalizer_(options.finalizer),
      stack_size_(options.stack_size),
      users_(static_cast<std::size_t>(threads), 1) {
  threads_.reserve(static_cast<std::size_t>(threads));
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { serve(i); }, stack_size_);
  } catch (const std::system_error& error) {
    close();
    const bool too_small = error.code() == std::errc::invalid_argument && stack_size_ > 0;
    throw PoolError(too_small ? "stack_size is " + std::to_string(stack_size_) +
                                    " bytes, too few for a thread: give some hundred thousand at least"
                              : "cannot start thread " + std::to_string(threads_.size() + 1) + " of " +
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
  std::vector<os::Thread> spares;
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
    const std::lock_guard lock(places_lock_);
    started_threads_.push_back({os::thread_id(), os::monotonic_ns()});
    return true;
  } catch (...) {
    const std::lock_guard lock(error_lock_);
    error_ = initializer_failed(worker, current_failure().message);
    return false;
  }
}

void WorkerThreads::serve(int worker) {
  ::pthread_setname_np(::pthread_self(), ("furrow-" + std::to_string(worker)).c_str());
  tally_here_ = &tallies_[static_cast<std::size_t>(worker)];
  const bool ready = initialize(worker);
  detail::released(&started_);
  started_.fetch_add(1);
  started_.notify_all();
  while (detail::TaskNode* task = await()) {
    task->execute(worker);
    count(tallies_[static_cast<std::size_t>(worker)]);
  }
  if (ready) run_finalizer(finalizer_, worker);
}

// A pusher counts its task and then checks for threads that look for one, and for parked ones; a thread that has
// stopped looking counts itself as parked and then checks the number of tasks. All are seq_cst, in one order for all
// threads, so at least one sees the other. While a thread looks, no other is woken: the last one that looks wakes the
// next when it finds more tasks than its own.
void WorkerThreads::push(detail::TaskNode* task) {
  queues_.push(task, threads_here == this ? number_here : TaskQueues::kNoWorker);
  if (looking_.load(std::memory_order_seq_cst) == 0 && take_parked())
    wake();
  else if (absent_.load(std::memory_order_seq_cst) > 0)
    fill_places(false);
}

// Who waits for all tasks counts the removed ones under the same lock: either it has seen this one, or is seen here.
bool WorkerThreads::remove(detail::TaskNode* task) {
  if (!queues_.remove(task)) return false;
  if (waiters_.load(std::memory_order_relaxed) > 0) notify_waiters();
  return true;
}

void WorkerThreads::cancel_calls() {
  const std::uint64_t now = os::start_ticks(os::monotonic_ns());
  for (detail::TaskNode* each = queues_.remove_calls(); each;) {
    detail::TaskNode* const next = each->next;
    static_cast<detail::CallNode*>(each)->settle_cancelled();
    cancelled_.fetch_add(1);
    each = next;
  }
  if (waiters_.load(std::memory_order_relaxed) > 0) notify_waiters();
  const std::lock_guard lock(places_lock_);
  for (const Started& each : started_threads_)
    os::kill_programs_of_thread(each.thread, os::start_ticks(each.at_ns), now, {});
}

// The task that waits for it counts as running until this one has ended, so this one is not counted.
bool WorkerThreads::run_if_queued(detail::TaskNode* task) {
  if (threads_here != this || !has_stack_left()) return false;
  Tally& tally = *tally_here_;
  const auto add = [](std::atomic<std::int64_t>& count, std::int64_t more) {
    count.store(count.load(std::memory_order_relaxed) + more, std::memory_order_release);
  };
  add(tally.inner_begun, 1);  // before it is removed, so that it is among the unfinished all the time
  if (!remove(task)) {
    add(tally.inner_begun, -1);
    return false;
  }
  task->execute(number_here);
  add(tally.inner_ended, 1);
  return true;
}

bool WorkerThreads::cancel(detail::CallNode& call) noexcept {
  if (!remove(&call)) return false;
  cancelled_.fetch_add(1);
  return true;
}

// From now on the threads take only those; tasks that they wait for are run as well. A running task may push more, so
// the threads are done if none runs a task, then none waits for them, and still none has run another.
void WorkerThreads::run_unkept() {
  queues_.give_only_unkept();
  waiters_.fetch_add(1);
  for (;;) {
    const std::uint32_t seen = idle_calls_.load();
    const std::uint64_t before = done();
    const bool rest = all_taken_are_done();
    if (queues_.prefer_unkept()) {
      while (take_parked()) wake();
      fill_places(false);
    } else if (rest && all_taken_are_done() && done() == before) {
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
  if (waiters_.load(std::memory_order_seq_cst) > 0) notify_waiters();
}

void WorkerThreads::notify_waiters() {
  idle_calls_.fetch_add(1);
  idle_calls_.notify_all();
}

std::uint64_t WorkerThreads::done() const {
  std::uint64_t sum = 0;
  for (const Tally& each : tallies_) sum += each.done.load(std::memory_order_seq_cst);
  detail::acquired(&tallies_);
  return sum;
}

std::int64_t WorkerThreads::inner(std::atomic<std::int64_t> Tally::*which) {
  std::int64_t sum = 0;
  for (const Tally& each : tallies_) sum += (each.*which).load(std::memory_order_acquire);
  const std::lock_guard lock(places_lock_);
  for (const Tally& each : spare_tallies_) sum += (each.*which).load(std::memory_order_acquire);
  return sum;
}

std::int64_t WorkerThreads::ended() {
  return static_cast<std::int64_t>(done()) + inner(&Tally::inner_ended) + cancelled_.load();
}

// The queues come first: a task counts as begun before it is taken out of one, to be run inside of another.
std::int64_t WorkerThreads::pushed() {
  const TaskQueues::Counts queued = queues_.counts();
  return static_cast<std::int64_t>(queued.waiting + queued.taken) + inner(&Tally::inner_begun) +
         cancelled_.load();
}

// What is done is counted first: then all that were taken were done at the moment between the counts.
bool WorkerThreads::all_taken_are_done() {
  const std::uint64_t ended = done();
  return ended == queues_.counts().taken;
}

// Then no task ran that could have pushed another, so those that wait were seen.
void WorkerThreads::wait_idle() {
  const Absence absence;
  waiters_.fetch_add(1);
  for (;;) {
    const std::uint32_t seen = idle_calls_.load();
    const std::uint64_t ended = done();
    const TaskQueues::Counts now = queues_.counts();
    if (now.waiting == 0 && ended == now.taken) break;
    idle_calls_.wait(seen);
  }
  waiters_.fetch_sub(1);
}

// Looks for a task for a while. No more than half of the threads do so at once: they take the cores from others.
detail::TaskNode* WorkerThreads::look() {
  for (int i = 0; i < kShortLook; ++i) {
    if (detail::TaskNode* task = queues_.take(number_here)) return task;
    pause();
  }
  if (looking_.fetch_add(1, std::memory_order_seq_cst) < most_looking_) {
    const std::int64_t until = os::monotonic_ns() + os::kSpinNs;
    do {
      for (int i = 0; i < 16; ++i) pause();
      if (detail::TaskNode* task = queues_.take(number_here)) {
        const bool last = looking_.fetch_sub(1, std::memory_order_seq_cst) == 1;
        if (last && queues_.size() > 0 && take_parked()) wake();
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
    if (!queues_.has_any() && !closed_.load())
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
  if (queues_.size() == 0) return;
  const std::lock_guard lock(places_lock_);
  for (std::uint64_t tasks = queues_.size(); tasks > 0 && present_.load() < size(); --tasks) {
    const auto free = std::find(users_.begin(), users_.end(), 0);
    const int number = free == users_.end() ? 0 : static_cast<int>(free - users_.begin());
    const std::size_t most = rescue && present_.load() == 0 ? kMostSpares : users_.size();
    if (dormant_ > invited_.size()) {
      invited_.push_back(number);
      spares_called_.notify_one();
    } else if (spares_.size() < most) {
      try {
        spares_.emplace_back([this, number] { serve_as_spare(number); }, stack_size_);
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
  ::pthread_setname_np(::pthread_self(), "furrow-spare");
  {
    const std::lock_guard lock(places_lock_);
    tally_here_ = &spare_tallies_.emplace_back();
  }
  if (!initialize(number)) {
    const std::lock_guard lock(places_lock_);
    --users_[static_cast<std::size_t>(number)];
    present_.fetch_sub(1);
    return;
  }
  do {
    while (present_.load(std::memory_order_relaxed) <= size()) {
      detail::TaskNode* const task = queues_.take(number_here);
      if (!task) break;
      task->execute(number_here);
      count(tallies_.back());
    }
  } while (take_place());
  run_finalizer(finalizer_, number_here);
}

// Gives up this spare thread's place, and waits until it gets another; false when the threads end.
bool WorkerThreads::take_place() {
  std::unique_lock lock(places_lock_);
  const auto mine = static_cast<std::size_t>(number_here);
  --users_[mine];
  present_.fetch_sub(1);
  if (present_.load() < size() && queues_.size() > 0 && !queues_.gives_only_unkept() && absent_.load() > 0) {
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
