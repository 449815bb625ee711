#include "pool/threads/thread_engine.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <optional>

#include "os/events/clock.hpp"
#include "os/events/futex.hpp"
#include "pool/map/worker_loop.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kTick_ns = 100'000'000;
constexpr std::chrono::milliseconds kLook{50};  // between looks for threads that all wait

}  // namespace

class ThreadEngine::HelperGroup {
 public:
  HelperGroup(WorkerThreads& threads, Parts& parts, int workers)
      : threads_(threads), parts_(parts), slots_(static_cast<std::size_t>(workers)) {
    for (int i = 0; i < workers; ++i) helpers_.emplace_back(*this, i);
  }

  void run(RunningMap& run, bool caller_works) {
    run_ = &run;
    const auto positions = run.todo();
    const auto workers =
        static_cast<int>(std::min<std::uint64_t>(slots_.size(), std::max<std::uint64_t>(positions, 1)));
    ranges_ = WorkStealingRanges(slots_.data(), workers);
    ranges_.fill(positions, run.options.chunksize);
    const int first = caller_works ? 1 : 0;
    active_.store(static_cast<std::uint32_t>(workers - first), std::memory_order_relaxed);
    const RunningMap::Waker waker(run, [this] {
      active_.fetch_or(kStopped);
      os::futex_wake_all(active_, os::Scope::kPrivate);
    });
    for (int i = first; i < workers; ++i) threads_.push(&helpers_[static_cast<std::size_t>(i)]);
    parts_.given.fetch_add(static_cast<std::uint64_t>(workers - first));
    if (caller_works) {
      const RunningMap::Runner runner(run, true);
      run_worker_loop(run, ranges_, 0);
      take_back();
    }
    await(run);
  }

 private:
  struct Helper final : detail::TaskNode {
    Helper(HelperGroup& of, int as) : group(of), slot(as) {}
    void execute(int) noexcept override {
      {
        const RunningMap::Runner runner(*group.run_);
        run_worker_loop(*group.run_, group.ranges_, slot);
      }
      group.parts_.ended.fetch_add(1);
      detail::released(&group.active_);
      if ((group.active_.fetch_sub(1, std::memory_order_acq_rel) & ~kStopped) == 1)
        os::futex_wake(group.active_, 1, os::Scope::kPrivate);
    }
    void drop() noexcept override {}
    HelperGroup& group;
    int slot;
  };

  // The helpers that no thread has begun.
  void take_back() {
    for (Helper& each : helpers_)
      if (parts_.take_back(threads_, each)) active_.fetch_sub(1, std::memory_order_relaxed);
  }

  void await(RunningMap& run) {
    const std::int64_t until = os::monotonic_ns() + os::kSpinNs;
    std::optional<WorkerThreads::Absence> absence;
    bool stopping = false;
    for (;;) {
      const std::uint32_t active = active_.load(std::memory_order_acquire);
      if ((active & ~kStopped) == 0) {
        detail::acquired(&active_);
        return;
      }
      if (active & kStopped && !std::exchange(stopping, true)) {
        take_back();
        continue;
      }
      if (os::monotonic_ns() >= until) {
        if (!absence) absence.emplace();
        os::futex_wait(active_, active, absence->at_most_ns(run.tick ? kTick_ns : os::kNoTimeout),
                       os::Scope::kPrivate);
        absence->look();
      }
      if (run.tick) run.tick();
    }
  }

  static constexpr std::uint32_t kStopped = 1u << 31;

  WorkerThreads& threads_;
  Parts& parts_;
  std::vector<RangeSlot> slots_;
  std::deque<Helper> helpers_;
  WorkStealingRanges ranges_{nullptr, 0};
  RunningMap* run_ = nullptr;
  std::atomic<std::uint32_t> active_{
      0};  // helpers that are queued or run; and kStopped once the map is stopped
};

// Chunks are queued like calls. Those that are done are kept in a list until wait() returns them.
class ThreadEngine::Stream : public detail::Stream {
 public:
  Stream(WorkerThreads& threads, Parts& parts, RunningMap& run)
      : threads_(threads), parts_(parts), run_(run), waker_(run, [this] {
          const std::lock_guard lock(mutex_);
          stopped_ = true;
          changed_.notify_one();
        }) {}
  ~Stream() override {
    for (auto& each : nodes_)
      if (parts_.take_back(threads_, each)) each.drop();
    run_.stop();
    ending_ = true;
    while (wait().chunk) {
    }
  }

  void submit(void* chunk, std::uint64_t begin, std::uint64_t end) override {
    Node* node = nullptr;
    if (free_.empty()) {
      node = &nodes_.emplace_back(*this);
    } else {
      node = free_.back();
      free_.pop_back();
    }
    node->chunk = chunk;
    node->indices = {begin, end};
    ++in_flight_;
    if (WorkerThreads::here() == &threads_) submitted_.push_back(node);
    threads_.push(node);
    parts_.given.fetch_add(1);
  }

  Done wait() override {
    if (in_flight_ == 0) return {};
    run_one_here();
    std::unique_lock lock(mutex_);
    const auto settled = [&] { return !done_.empty() || (stopped_ && !ending_); };
    if (!settled()) {
      lock.unlock();
      WorkerThreads::Absence absence;
      lock.lock();
      while (!changed_.wait_for(lock, kLook, settled)) {
        lock.unlock();
        absence.look();
        lock.lock();
      }
    }
    if (done_.empty()) return {};
    Node* node = done_.front();
    done_.pop_front();
    --in_flight_;
    free_.push_back(node);
    return {node->chunk, static_cast<double>(node->busy_ns) * 1e-9};
  }
  bool take_failure(std::uint64_t index, Failure& failure) override {
    return run_.take_failure(index, failure);
  }

 private:
  struct Node final : detail::TaskNode {
    explicit Node(Stream& of) : stream(of) {}
    void execute(int worker) noexcept override {
      RunningMap& run = stream.run_;
      const std::int64_t began = os::monotonic_ns();
      {
        detail::TaskScope scope(run.origin(worker), &run);
        const RunningMap::Runner runner(run);
        run.run_indices(chunk, scope, indices);
        indices = RunningMap::ran(scope, indices);
      }
      const std::int64_t ended = os::monotonic_ns();
      busy_ns = ended - began;
      run.chunk_done({worker, indices, began, ended});
      stream.parts_.ended.fetch_add(1);
      drop();
    }
    void drop() noexcept override {
      const std::lock_guard lock(stream.mutex_);
      stream.done_.push_back(this);
      stream.changed_.notify_one();  // under the lock, since the stream may be destroyed right after it
    }
    Stream& stream;
    void* chunk = nullptr;
    IndexRange indices{};
    std::int64_t busy_ns = 0;
  };

  // On a worker thread, runs a chunk of this stream that is queued, if none is done.
  void run_one_here() {
    while (!submitted_.empty()) {
      {
        const std::lock_guard lock(mutex_);
        if (!done_.empty()) return;
      }
      Node* const next = submitted_.front();
      submitted_.pop_front();
      if (threads_.run_if_queued(next)) return;
    }
  }

  WorkerThreads& threads_;
  Parts& parts_;
  RunningMap& run_;
  std::deque<Node*> submitted_;  // by a worker thread, in order; some have begun
  std::deque<Node> nodes_;       // all that were ever made, for reuse; a deque does not move them
  std::vector<Node*> free_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Node*> done_;
  bool stopped_ = false;         // the map is; under the mutex
  bool ending_ = false;          // wait() returns all chunks nevertheless
  std::uint64_t in_flight_ = 0;  // submitted and not returned by wait()
  const RunningMap::Waker waker_;
};

ThreadEngine::ThreadEngine(int workers, const PoolOptions& options)
    : workers_(workers),
      callers_work_(!options.initializer && !options.finalizer && options.stack_size == 0),
      threads_(workers, options) {}

ThreadEngine::~ThreadEngine() {
  threads_.run_unkept();
  threads_.close();
  for (detail::TaskNode* each = threads_.take_all(); each;) {
    detail::TaskNode* next = each->next;
    each->drop();
    each = next;
  }
}

void ThreadEngine::check(const detail::MapCall& call, const MapOptions& options) const {
  check_timeout(call, options);
}

void ThreadEngine::check(const detail::CallNode&) const {}

std::unique_ptr<ThreadEngine::HelperGroup> ThreadEngine::borrow() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto group = std::move(idle_.back());
      idle_.pop_back();
      return group;
    }
  }
  return std::make_unique<HelperGroup>(threads_, parts_, workers_);
}

void ThreadEngine::give_back(std::unique_ptr<HelperGroup> group) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(group));
}

void ThreadEngine::run(RunningMap& run) {
  // A worker thread that calls a map must run tasks itself: it may be the only free one.
  const bool caller_works = WorkerThreads::here() == &threads_ || (callers_work_ && !run.tick);
  auto group = borrow();
  group->run(run, caller_works);
  give_back(std::move(group));
}

std::unique_ptr<detail::Stream> ThreadEngine::open(RunningMap& run) {
  return std::make_unique<Stream>(threads_, parts_, run);
}

void ThreadEngine::submit(detail::CallNode* call, const std::stop_token& stop) {
  call->call_queue = &threads_;
  threads_.push(call);
  call->cancel_on(stop);
}

void ThreadEngine::cancel_calls() { threads_.cancel_calls(); }

// A removed part is uncounted before it is removed, so that it never hides a call.
bool ThreadEngine::Parts::take_back(WorkerThreads& threads, detail::TaskNode& part) {
  given.fetch_sub(1);
  if (threads.remove(&part)) return true;
  given.fetch_add(1);
  return false;
}

// What has ended is read before what was pushed, so that what has ended meanwhile counts as unfinished. If that is much,
// since this thread was held up, they are read again.
Engine::CallCounts ThreadEngine::call_counts() {
  constexpr std::int64_t kFew = 4;
  constexpr int kAttempts = 10;
  std::int64_t ended = 0, parts_ended = 0, left = 0, most = 0;
  for (int i = 0; i < kAttempts && (i == 0 || most > kFew); ++i) {
    const std::int64_t ended_now = threads_.ended();
    const std::int64_t parts_ended_now = parts_.ended.load();
    const std::int64_t parts_left = parts_.given.load() - parts_ended_now;
    const std::int64_t left_now = threads_.pushed() - ended_now - parts_left;
    const std::int64_t meanwhile = threads_.ended() - ended_now;
    if (i > 0 && meanwhile >= most) continue;
    ended = ended_now, parts_ended = parts_ended_now, left = left_now, most = meanwhile;
  }
  const auto count = [](std::int64_t found) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(found, 0));
  };
  return {count(left), count(ended - parts_ended)};
}

void ThreadEngine::wait() {
  if (WorkerThreads::here() == &threads_)
    throw PoolError("a task cannot wait for all tasks of its own Pool: it is one of them");
  threads_.wait_idle();
}

}  // namespace furrow::pool
