#include "pool/crew/worker_crew.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "furrow/errors.hpp"
#include "pool/map/participant.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kSpin_ns = 50'000;
constexpr std::int64_t kLongestSleep_ns = 100'000'000;  // then the template is looked after
constexpr int kFramesAtOnce = 4096;                     // of one worker, before the others have their turn

bool is_gone(Life life) { return life == Life::kDead || life == Life::kUnborn; }

}  // namespace

std::string how_it_ended(int wait_status) {
  if (WIFSIGNALED(wait_status))
    return "was killed by signal " + std::to_string(WTERMSIG(wait_status)) + " (" +
           ::strsignal(WTERMSIG(wait_status)) + ")";
  return "exited with status " + std::to_string(WEXITSTATUS(wait_status));
}

WorkerCrew::WorkerCrew(CrewMemory memory)
    : memory_(std::move(memory)), lanes_(static_cast<std::size_t>(memory_.workers())) {
  watching_ = [this] { watch(watched_); };
}

void WorkerCrew::found(bool alone, std::function<int(int)> body) {
  nursery_.emplace(memory_, alone, std::move(body));
}

void WorkerCrew::adopt(pid_t spawned) { nursery_.emplace(memory_, spawned); }

void WorkerCrew::call() {
  called_.store(1);
  memory_.header().bell.nudge();
}

int WorkerCrew::alive() const {
  int count = 0;
  for (int i = 0; i < workers(); ++i) {
    const Life life = slot(i).life.load();
    count += life == Life::kAlive || life == Life::kWanted;
  }
  return count;
}

void WorkerCrew::want(int worker) {
  memory_.renew(worker);
  Lane& fresh = lane(worker);
  std::destroy_at(&fresh);
  std::construct_at(&fresh);
  fresh.ring.emplace(channel::Ring::attach(memory_.outbox(worker)));
  fresh.frames.emplace(*fresh.ring);
  fresh.frames->batch_releases();
  if (nursery_)
    nursery_->want(worker);
  else
    slot(worker).life.store(Life::kWanted);  // the template looks for itself when it begins
}

void WorkerCrew::feed_the_starved() {
  for (Lane& each : lanes_) each.starved = false;
}

PartsReader WorkerCrew::value(int worker, std::uint32_t flags) {
  watched_ = worker;
  return PartsReader(*lane(worker).frames, flags, watching_);
}

void WorkerCrew::watch(int worker) {
  if (is_gone(slot(worker).life.load()) || nursery_->lost()) lane(worker).ring->ring().abandon();
  watch_time();
}

bool WorkerCrew::step() {
  bool happened = false;
  for (int i = 0; i < workers(); ++i) happened = look(i) || happened;
  watch_time();
  return happened;
}

bool WorkerCrew::look(int worker) {
  const Life life = slot(worker).life.load();
  if (life == Life::kVacant) return false;
  if (is_gone(life)) return bury(worker);
  const bool hungry = slot(worker).talk.load() == Talk::kHungry;  // before its reports are read
  bool happened = lane(worker).frames && drain(worker);
  if (hungry && !lane(worker).starved) {
    if (feed(worker))
      happened = true;
    else
      lane(worker).starved = true;
  }
  return happened;
}

bool WorkerCrew::drain(int worker) {
  Lane& from = lane(worker);
  if (from.cut) return false;
  channel::FrameHeader header;
  for (int i = 0; i < kFramesAtOnce; ++i) {
    const channel::Status status = from.frames->peek(header, channel::kAtOnce);
    if (status == channel::Status::kTorn) {
      cut_off(worker, false);
      return true;
    }
    if (status != channel::Status::kOk) return i > 0;
    try {
      on_frame(worker, header);
    } catch (const ValueTorn&) {
      cut_off(worker, false);
      return true;
    } catch (const Nonsense&) {
      cut_off(worker, true);
      return true;
    }
  }
  return true;
}

// A worker may die in the middle of a report. Otherwise reports are whole, and end with the last of them.
void WorkerCrew::cut_off(int worker, bool nonsense) {
  constexpr std::size_t kLeftover = 2 * channel::FrameHeader::kBytes;
  Lane& from = lane(worker);
  from.cut = true;
  from.garbled = nonsense || !is_gone(slot(worker).life.load()) || from.ring->readable() >= kLeftover;
  nursery_->kill(worker);
}

void WorkerCrew::read_the_rest() {
  for (int i = 0; i < workers(); ++i) {
    if (!lane(i).frames) continue;
    lane(i).ring->ring().abandon();
    while (drain(i)) {
    }
  }
}

bool WorkerCrew::bury(int worker) {
  WorkerSlot& dead = slot(worker);
  if (dead.life.load() == Life::kUnborn) {
    unborn_ = dead.wait_status;
    dead.life.store(Life::kVacant);
    if (alive() == 0) throw PoolError(std::string("cannot fork a worker process: ") + std::strerror(unborn_));
    return true;
  }
  lane(worker).ring->ring().abandon();
  while (drain(worker)) {
  }
  const int status = dead.wait_status;
  dead.life.store(Life::kVacant);
  on_death(worker, status);
  return true;
}

// The parent's clock alone: a worker has had its item for at least as long as we have seen it there. Where we
// were away for long ourselves, what we see is old.
void WorkerCrew::watch_time() {
  const std::int64_t now = steady_ns();
  for (int i = 0; i < workers(); ++i)
    if (time_limit_s(i) > 0) watch_time(i, now);
  last_watch_ns_ = now;
}

void WorkerCrew::watch_time(int worker, std::int64_t now_ns) {
  Lane& late = lane(worker);
  const std::uint64_t item = slot(worker).published.load(std::memory_order_relaxed);
  const std::uint32_t attempts = slot(worker).attempts.load(std::memory_order_relaxed);
  const auto limit = static_cast<std::int64_t>(time_limit_s(worker) * 1e9);
  const bool away = now_ns - last_watch_ns_ > std::max<std::int64_t>(limit / 2, 2 * kLongestSleep_ns);
  if (item == kNothing || item != late.item || attempts != late.attempts || away) {
    late.item = item;
    late.attempts = attempts;
    late.since_ns = now_ns;
    return;
  }
  if (now_ns - late.since_ns < limit || late.late_item == item || slot(worker).life.load() != Life::kAlive)
    return;
  if (!overdue(worker, item)) {
    late.since_ns = now_ns;
    return;
  }
  late.late_item = item;
  nursery_->kill(worker);
}

bool WorkerCrew::something(int worker) {
  const Life life = slot(worker).life.load();
  if (life == Life::kVacant) return false;
  if (is_gone(life)) return true;
  Lane& from = lane(worker);
  // Less than a header is what fills up the frame before.
  if (!from.cut && from.ring->readable() >= channel::FrameHeader::kBytes) return true;
  return slot(worker).talk.load() == Talk::kHungry && !from.starved;
}

void WorkerCrew::sleep(std::int64_t at_most_ns) {
  std::int64_t patience = std::min(at_most_ns, kLongestSleep_ns);
  for (int i = 0; i < workers(); ++i) {
    const double limit_s = time_limit_s(i);
    if (limit_s > 0)
      patience =
          std::min(patience, std::max<std::int64_t>(static_cast<std::int64_t>(limit_s * 1e9 / 8), 1'000'000));
  }
  const auto ready = [&] {
    for (int i = 0; i < workers(); ++i)
      if (something(i)) return channel::Status::kOk;
    return channel::Status::kTimeout;
  };
  const channel::Status status = memory_.header().bell.wait({patience, &called_}, kSpin_ns, ready);
  if (status == channel::Status::kCancelled) called_.store(0);
  if (status != channel::Status::kTimeout) return;
  if (nursery_->lost())
    throw PoolError("the process that forks this Pool's workers was killed, and they with it");
}

}  // namespace furrow::pool
