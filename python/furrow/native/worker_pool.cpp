#include "native/worker_pool.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "native/fork.hpp"
#include "native/without_gil.hpp"
#include "os/events/clock.hpp"

namespace furrow::python {

namespace {

constexpr std::int64_t kTick_ns = 50'000'000;  // the time between two looks for signals
constexpr std::int64_t kGrace_ns =
    1'000'000;                        // the pump thread leaves the turn to other threads for this long
constexpr std::size_t kWindow = 256;  // messages sent ahead to a worker
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

std::int64_t deadline_after(double timeout_s) {
  if (timeout_s < 0 || timeout_s > 1e9) return kNever;
  return os::monotonic_ns() + static_cast<std::int64_t>(timeout_s * 1e9);
}

void raise_signals() {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

class Counted {
 public:
  explicit Counted(int& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  int& count_;
};

}  // namespace

WorkerPool::WorkerPool(int workers, std::uint64_t max_tasks, py::object worker_hooks, py::object begin,
                       Pickling pickling, const py::object& spawn)
    : owner_(::getpid()),
      workers_(workers),
      pickling_(std::move(pickling)),
      runtime_(std::make_shared<WorkerRuntime>(workers, std::move(worker_hooks), std::move(begin))) {
  encoder_ = std::make_unique<Encoder>(pickling_, runtime_->store());
  options_.max_tasks_per_child = max_tasks;
  const std::size_t size = pool::MessageWorkers::bytes_for(workers);
  auto segment = spawn.is_none() ? os::SharedMemory::create(size) : os::SharedMemory::with_descriptor(size);
  if (!segment) throw PoolError(segment.error().to_string());
  if (spawn.is_none()) {
    const Fork fork;
    local_ = std::make_unique<pool::MessageWorkers>(std::move(*segment), workers, options_,
                                                    runtime_->handler(), false);
  } else {
    const int segment_fd = segment->descriptor();
    local_ = std::make_unique<pool::MessageWorkers>(std::move(*segment), workers, options_, [&] {
      return static_cast<pid_t>(spawn(segment_fd, runtime_->arena_descriptor()).cast<int>());
    });
  }
  local_->window = kWindow;
  begin_with(*local_);
  local_->start();
}

WorkerPool::WorkerPool(int workers, py::capsule ranks, std::shared_ptr<WorkerRuntime> runtime,
                       Pickling pickling)
    : owner_(::getpid()),
      workers_(workers),
      pickling_(std::move(pickling)),
      runtime_(std::move(runtime)),
      ranks_(ranks) {
  encoder_ = std::make_unique<Encoder>(pickling_, runtime_->store());
  begin_with(*ranks.get_pointer<pool::ChunkWorkers>());
}

void WorkerPool::begin_with(pool::ChunkWorkers& workers) {
  chunk_workers_ = &workers;
  chunk_workers_->restarted = [this](int worker) {
    ++ended_maps_.replaced;
    for (const std::shared_ptr<PendingMap>& each : active_) each->restarted(worker);
  };
}

int WorkerPool::run_template(int segment, int arena, int workers, std::uint64_t max_tasks, pid_t parent,
                             py::object hooks, py::object begin) {
  WorkerRuntime runtime(workers, arena, std::move(hooks), std::move(begin));
  auto memory = os::SharedMemory::attach(segment);
  if (!memory) throw PoolError(memory.error().to_string());
  PoolOptions options;
  options.max_tasks_per_child = max_tasks;
  PyOS_BeforeFork();  // each worker ends it, in Worker::prepare()
  return pool::MessageWorkers::run_template(std::move(*memory), workers, options, runtime.handler(), parent);
}

// In a worker that drops the last handle of its parent's pool, the memory it works on must stay mapped.
WorkerPool::~WorkerPool() {
  if (!mine()) {
    (void)local_.release();
    (void)ranks_.release();
    (void)new std::shared_ptr<WorkerRuntime>(runtime_);
    return;
  }
  if (!ended_ && chunk_workers_) end_workers(pool::Ending::kNow);
}

void WorkerPool::end_workers(pool::Ending how) {
  if (local_) {
    local_->end(how);
    runtime_->end_memory();
  } else {
    chunk_workers_->shut_down();
  }
}

bool WorkerPool::mine() const { return owner_ == ::getpid(); }

void WorkerPool::check_here() const {
  if (mine()) return;
  if (Worker::is_here())
    throw PoolError(
        "this Pool belongs to the process that made it, and a worker cannot use it: make a Pool inside the "
        "task");
  throw PoolError(
      "this Pool was made before a fork, and only the process that made it can use it: make a Pool in the "
      "forked process");
}

bool WorkerPool::take_turn() {
  if (held_) return false;
  held_ = true;
  holder_ = std::this_thread::get_id();
  return true;
}

bool WorkerPool::is_holder() const { return held_ && holder_ == std::this_thread::get_id(); }

void WorkerPool::release_turn() {
  held_ = false;
  holder_ = {};
  notify_waiters();
}

void WorkerPool::notify_waiters() {
  if (sleepers_ == 0) return;
  const std::lock_guard lock(changed_lock_);
  ++changes_;
  changed_.notify_all();
}

// Waits until the turn may be free or a map may be settled.
void WorkerPool::wait_for_turn(std::int64_t at_most_ns) {
  ++sleepers_;
  std::uint64_t seen;
  {
    const std::lock_guard lock(changed_lock_);
    seen = changes_;
  }
  {
    const WithoutGil released;
    std::unique_lock lock(changed_lock_);
    changed_.wait_for(lock, std::chrono::nanoseconds(at_most_ns), [&] { return changes_ != seen; });
  }
  --sleepers_;
}

template <class Done>
bool WorkerPool::pump_until(double timeout_s, const Done& done) {
  if (done()) return true;
  check_here();
  const std::int64_t deadline = deadline_after(timeout_s);
  const bool nested = is_holder();
  if (nested && working_)
    throw PoolError("code that a Pool runs to pickle an object cannot wait for that Pool");
  ++turns_;
  const Counted counted(callers_);
  for (bool first = true; !done(); first = false) {
    const std::int64_t left = deadline == kNever ? kTick_ns : deadline - os::monotonic_ns();
    if (left <= 0 && !first) return false;
    const std::int64_t at_most = std::clamp<std::int64_t>(left, 0, kTick_ns);
    if (nested || (ending_ == 0 && take_turn())) {
      try {
        pump_once(at_most);
        raise_signals();
      } catch (...) {
        if (!nested) release_turn();
        throw;
      }
      if (nested) continue;
      if (done() || waiting_ > 0 || left <= 0)
        release_turn();
      else
        held_ = false;  // nobody can take it: this thread has the GIL
      continue;
    }
    ++waiting_;
    chunk_workers_->nudge();
    wait_for_turn(at_most);
    --waiting_;
    raise_signals();
  }
  return true;
}

bool WorkerPool::wait(PendingMap& map, double timeout_s) {
  return pump_until(timeout_s, [&] { return map.settled(); });
}

bool WorkerPool::wait_for_item(PendingMap& map, double timeout_s) {
  return pump_until(timeout_s, [&] { return map.ready() || map.settled(); });
}

bool WorkerPool::tick() {
  if (!mine() || ended_ || !take_turn()) return false;
  pump_once(0);
  release_turn();
  return true;
}

void WorkerPool::nudge() {
  if (held_) {
    chunk_workers_->nudge();
    return;
  }
  tick();
}

std::uint64_t WorkerPool::open_session(PendingMap& map, Session::Options options) {
  check_here();
  return map.open_session(std::move(options), pickling_);
}

void WorkerPool::submit(const std::shared_ptr<PendingMap>& map) {
  check_here();
  if (ended_) throw PoolError("this Pool has ended");
  incoming_.push_back(map);
}

bool WorkerPool::admit() {
  if (incoming_.empty()) return false;
  for (std::shared_ptr<PendingMap>& each : incoming_) {
    const std::uint64_t number = ++maps_ & ((std::uint64_t{1} << (63 - kIndexBits)) - 1);
    each->begin(number << kIndexBits, workers_, chunk_workers_->flow_control(), *encoder_, pickling_,
                runtime_->store());
    active_.push_back(std::move(each));
  }
  incoming_.clear();
  runtime_->keep_memory(true);
  return true;
}

void WorkerPool::settle_maps() {
  for (std::size_t i = 0; i < active_.size();) {
    const std::shared_ptr<PendingMap> map = active_[i];
    if (!map->settled() && map->over()) map->settle();  // runs callbacks, which may change active_
    if (i >= active_.size() || active_[i] != map) {
      i = 0;
      continue;
    }
    map->tick();
    if (map->settled() && map->idle()) {
      if (map->keeps_buffers()) chunk_workers_->forget(map->options().key);
      map->let_go();
      count(*map);
      active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(i));
      if (active_.empty()) runtime_->keep_memory(false);
    } else {
      ++i;
    }
  }
}

void WorkerPool::pump_once(std::int64_t at_most_ns) {
  if (ended_) return;
  if (!to_stop_.empty()) stop_maps();
  bool happened = admit();
  for (std::size_t i = 0; i < active_.size(); ++i) {  // drawing an input may run any code
    const std::shared_ptr<PendingMap> map = active_[i];
    happened = map->dispatch(*chunk_workers_) || happened;
  }
  working_ = true;
  happened = chunk_workers_->work() || happened;
  working_ = false;
  settle_maps();
  if (happened || at_most_ns <= 0 || ended_) return;
  const WithoutGil released;
  chunk_workers_->rest(at_most_ns);
}

void WorkerPool::serve() {
  while (!ended_) {
    if (nothing_to_do()) {
      wait_for_turn(1'000'000'000);
      continue;
    }
    const std::uint64_t seen = turns_;
    {
      const WithoutGil released;
      std::this_thread::sleep_for(std::chrono::nanoseconds(kGrace_ns));
    }
    if (turns_ != seen || callers_ > 0 || waiting_ > 0 || !take_turn()) continue;
    while (!ended_ && callers_ == 0 && waiting_ == 0 && !nothing_to_do()) pump_once(kTick_ns);
    release_turn();
  }
}

void WorkerPool::cancel(const std::shared_ptr<PendingMap>& map) {
  map->cancel();
  if (!mine() || ended_) return;
  to_stop_.push_back(map->options().key);
  if (!take_turn()) return chunk_workers_->nudge();  // whoever has the turn stops it
  stop_maps();
  release_turn();
}

void WorkerPool::stop_maps() {
  working_ = true;
  for (const std::uint64_t key : std::exchange(to_stop_, {})) chunk_workers_->stop(key);
  working_ = false;
}

void WorkerPool::finish() {
  if (!mine()) return;
  const bool nested = is_holder();
  pump_until(-1, [&] { return ended_ || (nothing_to_do() && (!starting() || !broken().empty())); });
  if (!take_turn_to_end()) return;
  ended_ = true;
  {
    const WithoutGil released;
    end_workers(pool::Ending::kSoon);
  }
  gone_ = true;
  if (!nested) release_turn();
}

// False if the pool has ended. While a thread wishes to end it (ending_), nobody else takes the turn: a thread that
// pumps would have it again before this one gets the GIL.
bool WorkerPool::take_turn_to_end() {
  const Counted wish(ending_);
  while (!gone_) {
    if (is_holder()) return !ended_;
    if (!ended_ && take_turn()) return true;
    ++waiting_;
    chunk_workers_->nudge();
    wait_for_turn(kTick_ns);
    --waiting_;
  }
  return false;
}

void WorkerPool::end() {
  if (!mine()) return;
  const bool nested = is_holder();
  if (!take_turn_to_end()) return;
  ended_ = true;
  // Idle workers get the time to flush what they have printed.
  const auto how = nothing_to_do() ? pool::Ending::kSoon : pool::Ending::kNow;
  {
    const WithoutGil released;
    end_workers(how);
  }
  gone_ = true;
  std::vector<std::shared_ptr<PendingMap>> left = std::move(active_);
  left.insert(left.end(), incoming_.begin(), incoming_.end());
  active_.clear();
  incoming_.clear();
  const py::object ended =
      py::module_::import("furrow._failures").attr("PoolError")("the pool was terminated");
  for (const std::shared_ptr<PendingMap>& each : left) {
    each->abandon(ended);
    count(*each);
  }
  if (!nested) release_turn();
  notify_waiters();
}

void WorkerPool::count(const PendingMap& ended) {
  const PendingMap::Counts counts = ended.counts();
  ended_maps_.completed += counts.completed;
  ended_maps_.failed += counts.failed;
}

WorkerPool::Statistics WorkerPool::statistics() const {
  check_here();
  Statistics sum = ended_maps_;
  for (const auto* maps : {&incoming_, &active_}) {
    for (const std::shared_ptr<PendingMap>& each : *maps) {
      const PendingMap::Counts counts = each->counts();
      sum.unfinished += counts.unfinished;
      sum.completed += counts.completed;
      sum.failed += counts.failed;
    }
  }
  return sum;
}

// Whether any local worker has not run the initializer yet.
bool WorkerPool::starting() const {
  for (int i = 0; local_ && i < workers_; ++i) {
    const pool::WorkerSlot& slot = local_->memory().slot(i);
    const pool::ProcessState process_state = local_->memory().process(i).process_state.load();
    if (process_state == pool::ProcessState::kWanted) return true;
    if (process_state == pool::ProcessState::kAlive &&
        slot.worker_state.load() == pool::WorkerState::kStarting)
      return true;
  }
  return false;
}

std::vector<int> WorkerPool::pids() {
  std::vector<int> all;
  for (int i = 0; local_ && i < workers_; ++i) all.push_back(local_->memory().process(i).pid.load());
  return all;
}

std::vector<bool> WorkerPool::living() {
  std::vector<bool> all;
  for (int i = 0; local_ && i < workers_; ++i)
    all.push_back(local_->memory().process(i).process_state.load() == pool::ProcessState::kAlive);
  return all;
}

}  // namespace furrow::python
