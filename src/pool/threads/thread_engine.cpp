#include "pool/threads/thread_engine.hpp"

#include <condition_variable>
#include <deque>

#include "os/events/futex.hpp"
#include "pool/map/participant.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kSpin_ns = 50'000;
constexpr std::int64_t kTick_ns = 100'000'000;

}  // namespace

class ThreadEngine::Gang {
 public:
  Gang(ThreadCrew& crew, int workers) : crew_(crew), slots_(static_cast<std::size_t>(workers)) {
    for (int i = 0; i < workers; ++i) helpers_.emplace_back(*this, i);
  }

  void run(MapRun& run, bool caller_works) {
    run_ = &run;
    const auto places = run.todo();
    const auto workers =
        static_cast<int>(std::min<std::uint64_t>(slots_.size(), std::max<std::uint64_t>(places, 1)));
    board_ = RangeBoard(slots_.data(), workers);
    board_.fill(places, run.options.chunksize);
    const int first = caller_works ? 1 : 0;
    active_.store(static_cast<std::uint32_t>(workers - first), std::memory_order_relaxed);
    for (int i = first; i < workers; ++i) crew_.push(&helpers_[static_cast<std::size_t>(i)]);
    if (caller_works) {
      participate(run, board_, 0);
      for (int i = first; i < workers; ++i)
        if (crew_.remove(&helpers_[static_cast<std::size_t>(i)]))
          active_.fetch_sub(1, std::memory_order_relaxed);
    }
    await(run);
  }

 private:
  struct Helper final : detail::TaskNode {
    Helper(Gang& of, int as) : gang(of), slot(as) {}
    void execute(int) noexcept override {
      participate(*gang.run_, gang.board_, slot);
      if (gang.active_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        os::futex_wake(gang.active_, 1, os::Scope::kPrivate);
    }
    void drop() noexcept override {}
    Gang& gang;
    int slot;
  };

  void await(MapRun& run) {
    const std::int64_t until = steady_ns() + kSpin_ns;
    for (;;) {
      const std::uint32_t active = active_.load(std::memory_order_acquire);
      if (active == 0) return;
      if (steady_ns() >= until)
        os::futex_wait(active_, active, run.tick ? kTick_ns : os::kNoTimeout, os::Scope::kPrivate);
      if (run.tick) run.tick();
    }
  }

  ThreadCrew& crew_;
  std::vector<RangeSlot> slots_;
  std::deque<Helper> helpers_;
  RangeBoard board_{nullptr, 0};
  MapRun* run_ = nullptr;
  std::atomic<std::uint32_t> active_{0};  // helpers that are queued or run
};

// Chunks are queued like calls; the ones that are done wait in a list.
class ThreadEngine::Stream : public detail::Stream {
 public:
  Stream(ThreadCrew& crew, MapRun& run) : crew_(crew), run_(run) {}
  ~Stream() override {
    for (auto& each : nodes_)
      if (crew_.remove(&each)) each.drop();
    run_.stop();
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
    node->units = {begin, end};
    under_way_.fetch_add(1, std::memory_order_relaxed);
    crew_.push(node);
  }

  Done wait() override {
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        if (done_.empty() && under_way_.load() == 0) return {};
        if (done_.empty() && ThreadCrew::here() == nullptr)
          changed_.wait(lock, [&] { return !done_.empty(); });
        if (!done_.empty()) {
          Node* node = done_.front();
          done_.pop_front();
          under_way_.fetch_sub(1, std::memory_order_relaxed);
          free_.push_back(node);
          return {node->chunk, static_cast<double>(node->busy_ns) * 1e-9};
        }
      }
      // On a worker: our chunks may be queued behind the task that waits for them.
      if (!crew_.help()) std::this_thread::yield();
    }
  }
  bool take_failure(std::uint64_t index, Failure& failure) override {
    return run_.take_failure(index, failure);
  }

 private:
  struct Node final : detail::TaskNode {
    explicit Node(Stream& of) : stream(of) {}
    void execute(int worker) noexcept override {
      MapRun& run = stream.run_;
      const std::int64_t began = steady_ns();
      {
        detail::TaskScope scope(worker, run.seed, run.number, &run);
        scope.share = run.share;
        run.call.run(chunk, scope, units.begin, units.end);
        units = MapRun::ran(scope, units);
      }
      const std::int64_t ended = steady_ns();
      busy_ns = ended - began;
      run.chunk_done({worker, units, began, ended});
      drop();
    }
    void drop() noexcept override {
      const std::lock_guard lock(stream.mutex_);
      stream.done_.push_back(this);
      stream.changed_.notify_one();  // under the lock: the stream may be gone right after it
    }
    Stream& stream;
    void* chunk = nullptr;
    Span units{};
    std::int64_t busy_ns = 0;
  };

  ThreadCrew& crew_;
  MapRun& run_;
  std::deque<Node> nodes_;  // all there ever were: never moved, used again
  std::vector<Node*> free_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Node*> done_;
  std::atomic<std::uint64_t> under_way_{0};  // submitted and not given back
};

ThreadEngine::ThreadEngine(int workers, const std::function<void()>& initializer)
    : workers_(workers), callers_work_(!initializer), crew_(workers, initializer) {}

ThreadEngine::~ThreadEngine() {
  crew_.close();
  for (detail::TaskNode* each = crew_.take_all(); each;) {
    detail::TaskNode* next = each->next;
    each->drop();
    each = next;
  }
}

namespace {

void refuse_timeout(double timeout_s, bool stoppable) {
  if (timeout_s > 0 && !stoppable)
    throw PoolError(
        "a thread cannot be stopped from outside: for timeout_s the function has to take a std::stop_token "
        "as its last argument and heed it, or the Pool has to use processes");
}

}  // namespace

void ThreadEngine::check(const detail::MapCall& call, const MapOptions& options) const {
  refuse_timeout(options.timeout_s, call.stoppable);
}

void ThreadEngine::check(const detail::CallNode& call) const {
  refuse_timeout(call.timeout_s, call.stoppable());
}

std::unique_ptr<ThreadEngine::Gang> ThreadEngine::borrow() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto gang = std::move(idle_.back());
      idle_.pop_back();
      return gang;
    }
  }
  return std::make_unique<Gang>(crew_, workers_);
}

void ThreadEngine::give_back(std::unique_ptr<Gang> gang) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(gang));
}

void ThreadEngine::run(MapRun& run) {
  // A thread of the crew has to work itself: it may be the only one that is free.
  const bool caller_works = ThreadCrew::here() == &crew_ || (callers_work_ && !run.tick);
  auto gang = borrow();
  gang->run(run, caller_works);
  give_back(std::move(gang));
}

std::unique_ptr<detail::Stream> ThreadEngine::open(MapRun& run) {
  return std::make_unique<Stream>(crew_, run);
}

void ThreadEngine::submit(detail::CallNode* call) { crew_.push(call); }

void ThreadEngine::wait() {
  if (ThreadCrew::here() == &crew_)
    throw PoolError("a task cannot wait for all tasks of its own Pool: it is one of them");
  crew_.wait_idle();
}

}  // namespace furrow::pool
