#include "native/crew.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "native/fork.hpp"
#include "native/without_gil.hpp"
#include "pool/map/participant.hpp"

namespace furrow::python {

namespace {

constexpr std::int64_t kTick_ns = 50'000'000;  // between looks for signals
constexpr std::int64_t kGrace_ns = 1'000'000;  // in which the pump thread leaves the turn to others
constexpr std::size_t kWindow = 256;           // messages ahead of a worker
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

std::int64_t deadline_after(double timeout_s) {
  if (timeout_s < 0 || timeout_s > 1e9) return kNever;
  return pool::steady_ns() + static_cast<std::int64_t>(timeout_s * 1e9);
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

Crew::Crew(int workers, std::uint64_t max_tasks, py::object worker_hooks, py::object begin, Pickling pickling,
           const py::object& spawn)
    : owner_(::getpid()),
      workers_(workers),
      pickling_(std::move(pickling)),
      station_(std::make_shared<Station>(workers, std::move(worker_hooks), std::move(begin))) {
  encoder_ = std::make_unique<Encoder>(pickling_, station_->store());
  options_.max_tasks_per_child = max_tasks;
  const std::size_t size = pool::MessageCrew::bytes_for(workers);
  auto segment = spawn.is_none() ? os::SharedMemory::create(size) : os::SharedMemory::with_descriptor(size);
  if (!segment) throw PoolError(segment.error().to_string());
  if (spawn.is_none()) {
    const Fork fork;
    local_ = std::make_unique<pool::MessageCrew>(std::move(*segment), workers, options_, station_->handler(),
                                                 false);
  } else {
    const int segment_fd = segment->descriptor();
    local_ = std::make_unique<pool::MessageCrew>(std::move(*segment), workers, options_, [&] {
      return static_cast<pid_t>(spawn(segment_fd, station_->arena_descriptor()).cast<int>());
    });
  }
  local_->window = kWindow;
  begin_with(*local_);
  local_->start();
}

Crew::Crew(int workers, py::capsule ranks, std::shared_ptr<Station> station, Pickling pickling)
    : owner_(::getpid()),
      workers_(workers),
      pickling_(std::move(pickling)),
      station_(std::move(station)),
      ranks_(ranks) {
  encoder_ = std::make_unique<Encoder>(pickling_, station_->store());
  begin_with(*ranks.get_pointer<pool::ParcelCrew>());
}

void Crew::begin_with(pool::ParcelCrew& crew) {
  crew_ = &crew;
  crew_->restarted = [this](int worker) {
    for (const std::shared_ptr<Job>& each : active_) each->restarted(worker);
  };
}

int Crew::tend(int segment, int arena, int workers, std::uint64_t max_tasks, pid_t parent, py::object hooks,
               py::object begin) {
  Station station(workers, arena, std::move(hooks), std::move(begin));
  auto memory = os::SharedMemory::attach(segment);
  if (!memory) throw PoolError(memory.error().to_string());
  PoolOptions options;
  options.max_tasks_per_child = max_tasks;
  PyOS_BeforeFork();  // ends in each worker
  return pool::MessageCrew::tend(std::move(*memory), workers, options, station.handler(), parent);
}

// A worker that drops the last handle of its parent's crew must not unmap the memory it works on.
Crew::~Crew() {
  if (!mine()) {
    (void)local_.release();
    (void)ranks_.release();
    (void)new std::shared_ptr<Station>(station_);
    return;
  }
  if (!ended_ && crew_) end_workers(pool::Ending::kNow);
}

void Crew::end_workers(pool::Ending how) {
  if (local_)
    local_->end(how);
  else
    crew_->leave();
}

bool Crew::mine() const { return owner_ == ::getpid(); }

void Crew::check_here() const {
  if (!mine())
    throw PoolError(
        "this Pool belongs to the process that made it, and a worker cannot use it: make a Pool inside the "
        "task");
}

// Turns.

bool Crew::take_turn() {
  if (held_) return false;
  held_ = true;
  holder_ = std::this_thread::get_id();
  return true;
}

void Crew::leave_turn() {
  held_ = false;
  holder_ = {};
  tell();
}

void Crew::tell() {
  if (sleepers_ == 0) return;
  const std::lock_guard lock(changed_lock_);
  ++changes_;
  changed_.notify_all();
}

// Until the turn may be free, or a job settled.
void Crew::wait_for_turn(std::int64_t at_most_ns) {
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
bool Crew::pump_until(double timeout_s, const Done& done) {
  if (done()) return true;
  check_here();
  const std::int64_t deadline = deadline_after(timeout_s);
  const bool nested = held_ && holder_ == std::this_thread::get_id();
  if (nested && working_)
    throw PoolError("code that a Pool runs to pickle an object cannot wait for that Pool");
  ++turns_;
  const Counted counted(callers_);
  for (bool first = true; !done(); first = false) {
    const std::int64_t left = deadline == kNever ? kTick_ns : deadline - pool::steady_ns();
    if (left <= 0 && !first) return false;
    const std::int64_t at_most = std::clamp<std::int64_t>(left, 0, kTick_ns);
    if (nested || take_turn()) {
      try {
        pump_once(at_most);
        raise_signals();
      } catch (...) {
        if (!nested) leave_turn();
        throw;
      }
      if (nested) continue;
      if (done() || waiting_ > 0 || left <= 0)
        leave_turn();
      else
        held_ = false;  // nobody can come between without the GIL
      continue;
    }
    ++waiting_;
    crew_->nudge();
    wait_for_turn(at_most);
    --waiting_;
    raise_signals();
  }
  return true;
}

bool Crew::wait(Job& job, double timeout_s) {
  return pump_until(timeout_s, [&] { return job.settled(); });
}

bool Crew::wait_for_item(Job& job, double timeout_s) {
  return pump_until(timeout_s, [&] { return job.ready() || job.settled(); });
}

bool Crew::tick() {
  if (!mine() || ended_ || !take_turn()) return false;
  pump_once(0);
  leave_turn();
  return true;
}

void Crew::nudge() {
  if (held_) {
    crew_->nudge();
    return;
  }
  tick();
}

std::uint64_t Crew::open_session(Job& job, Session::Options options) {
  check_here();
  return job.open_session(std::move(options), pickling_);
}

void Crew::submit(const std::shared_ptr<Job>& job) {
  check_here();
  if (ended_) throw PoolError("this Pool has ended");
  incoming_.push_back(job);
}

// What the turn is for.

bool Crew::admit() {
  if (incoming_.empty()) return false;
  for (std::shared_ptr<Job>& each : incoming_) {
    const std::uint64_t number = ++jobs_ & ((std::uint64_t{1} << (63 - kUnitBits)) - 1);
    each->begin(number << kUnitBits, workers_, crew_->appetite(), *encoder_, pickling_, station_->store());
    active_.push_back(std::move(each));
  }
  incoming_.clear();
  return true;
}

void Crew::settle_jobs() {
  for (std::size_t i = 0; i < active_.size();) {
    const std::shared_ptr<Job> job = active_[i];
    if (!job->settled() && job->over()) job->settle();  // may run anything
    if (i >= active_.size() || active_[i] != job) {
      i = 0;
      continue;
    }
    job->tick();
    if (job->settled() && job->idle()) {
      if (job->keeps_buffers()) crew_->forget(job->options().key);
      job->let_go();
      active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
}

void Crew::pump_once(std::int64_t at_most_ns) {
  if (ended_) return;
  bool happened = admit();
  for (std::size_t i = 0; i < active_.size(); ++i) {  // an input may come from anywhere
    const std::shared_ptr<Job> job = active_[i];
    happened = job->feed(*crew_) || happened;
  }
  working_ = true;
  happened = crew_->work() || happened;
  working_ = false;
  settle_jobs();
  if (happened || at_most_ns <= 0 || ended_) return;
  const WithoutGil released;
  crew_->rest(at_most_ns);
}

void Crew::serve() {
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
    leave_turn();
  }
}

// The end.

void Crew::cancel(const std::shared_ptr<Job>& job) {
  job->cancel();
  if (!mine() || ended_ || !take_turn()) return;
  working_ = true;
  crew_->stop(job->options().key);
  working_ = false;
  leave_turn();
}

void Crew::finish() {
  if (!mine() || ended_) return;
  pump_until(-1, [&] { return ended_ || (nothing_to_do() && (!starting() || !broken().empty())); });
  if (ended_) return;
  while (!take_turn()) wait_for_turn(kTick_ns);
  ended_ = true;
  {
    const WithoutGil released;
    end_workers(pool::Ending::kSoon);
  }
  leave_turn();
}

void Crew::end() {
  if (!mine() || ended_) return;
  const bool nested = held_ && holder_ == std::this_thread::get_id();
  while (!nested && !take_turn()) {
    ++waiting_;
    crew_->nudge();
    wait_for_turn(kTick_ns);
    --waiting_;
    if (ended_) return;
  }
  ended_ = true;
  const auto how =
      nothing_to_do() ? pool::Ending::kSoon : pool::Ending::kNow;  // soon: what they print is flushed
  {
    const WithoutGil released;
    end_workers(how);
  }
  std::vector<std::shared_ptr<Job>> left = std::move(active_);
  left.insert(left.end(), incoming_.begin(), incoming_.end());
  active_.clear();
  incoming_.clear();
  const py::object ended =
      py::module_::import("furrow._failures").attr("PoolError")("the pool was terminated");
  for (const std::shared_ptr<Job>& each : left) each->abandon(ended);
  if (!nested) leave_turn();
  tell();
}

// Whether a worker here has not run the initializer yet.
bool Crew::starting() const {
  for (int i = 0; local_ && i < workers_; ++i) {
    const pool::WorkerSlot& slot = local_->memory().slot(i);
    const pool::Life life = slot.life.load();
    if (life == pool::Life::kWanted) return true;
    if (life == pool::Life::kAlive && slot.talk.load() == pool::Talk::kStarting) return true;
  }
  return false;
}

std::vector<int> Crew::pids() {
  std::vector<int> all;
  for (int i = 0; local_ && i < workers_; ++i) all.push_back(local_->memory().slot(i).pid.load());
  return all;
}

std::vector<bool> Crew::living() {
  std::vector<bool> all;
  for (int i = 0; local_ && i < workers_; ++i)
    all.push_back(local_->memory().slot(i).life.load() == pool::Life::kAlive);
  return all;
}

}  // namespace furrow::python
