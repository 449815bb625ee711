#include "pool/workers/worker_processes.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "base/log.hpp"
#include "furrow/errors.hpp"
#include "os/events/clock.hpp"
#include "os/events/futex.hpp"
#include "pool/bytes_reader.hpp"
#include "pool/task/failure.hpp"
#include "pool/task/timeout_monitor.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kLongestSleep_ns = 100'000'000;  // then step() may have to check something
constexpr std::int64_t kBetweenChecks_ns =
    80'000'000;                      // that the template is alive, and the workers in order
constexpr int kInconsistencies = 2;  // in a row, since both sides change what is compared
constexpr int kFramesAtOnce = 4096;  // from one worker, before the others have their turn

template <class Head>
Head head_of_report(PartsReader reader) {
  Head head;
  reader.read(&head, sizeof head);
  reader.skip_rest();
  return head;
}

bool is_gone(ProcessState process_state) {
  return process_state == ProcessState::kDead || process_state == ProcessState::kForkFailed;
}

}  // namespace

WorkerProcesses::WorkerProcesses(WorkerMemory memory)
    : memory_(std::move(memory)), records_(static_cast<std::size_t>(memory_.workers())) {
  watching_ = [this] { watch(watched_); };
}

void WorkerProcesses::start_fork_server(bool alone, std::function<int(int)> body) {
  fork_server_.emplace(memory_, alone, std::move(body));
}

void WorkerProcesses::attach_fork_server(pid_t spawned) {
  FURROW_LOG(pool, info, "process {} is the fork server for {} workers", spawned, workers());
  fork_server_.emplace(memory_, spawned);
}

bool WorkerProcesses::end(Ending how) {
  if (!fork_server_) return true;
  if (fork_server_->is_ours()) on_end();
  return fork_server_->end(how);
}

void WorkerProcesses::ask_to_end(int worker, std::uint64_t task) {
  process(worker).stop.store(task);
  fork_server_->kill_programs(worker);
}

bool WorkerProcesses::end_tasks() {
  if (!fork_server_ || !fork_server_->is_ours()) return end(Ending::kStop);
  for (int i = 0; i < workers(); ++i) ask_to_end(i, kAnyTask);
  return end(Ending::kStop);
}

void WorkerProcesses::call() {
  called_.store(1);
  memory_.bell().nudge();
}

int WorkerProcesses::alive() const {
  int count = 0;
  for (int i = 0; i < workers(); ++i) {
    const ProcessState process_state = process(i).process_state.load();
    count += process_state == ProcessState::kAlive || process_state == ProcessState::kWanted;
  }
  return count;
}

void WorkerProcesses::want(int worker) {
  memory_.renew(worker);
  WorkerRecord& fresh = record(worker);
  std::destroy_at(&fresh);
  std::construct_at(&fresh);
  fresh.ring.emplace(channel::Ring::attach(memory_.outbox(worker)));
  fresh.frames.emplace(*fresh.ring);
  fresh.frames->batch_releases();
  if (fork_server_)
    fork_server_->want(worker);
  else
    process(worker).process_state.store(ProcessState::kWanted);  // the template sees it when it starts
}

WorkLedger::Death WorkerProcesses::death_at(int worker, std::uint64_t item, int wait_status) {
  const WorkerSlot& dead = slot(worker);
  const int attempts = dead.failed_item.load() == item ? static_cast<int>(dead.attempts.load()) : 0;
  return {item, wait_status, attempts, record(worker).late_item == item};
}

void WorkerProcesses::retry_idle_workers() {
  for (WorkerRecord& each : records_) each.left_idle = false;
}

PartsReader WorkerProcesses::value(int worker, std::uint32_t flags) {
  watched_ = worker;
  return PartsReader(*record(worker).frames, flags, watching_);
}

// A worker that waits for work is not in the middle of a report.
void WorkerProcesses::watch(int worker) {
  const std::int64_t now = os::monotonic_ns();
  bool is_lost = is_gone(process(worker).process_state.load()) || fork_server_->lost() || is_asleep(worker);
  if (now - last_check_ns_ >= kBetweenChecks_ns) {
    last_check_ns_ = now;
    is_lost = is_lost || is_disordered(worker);
  }
  if (is_lost) record(worker).ring->ring().abandon();
  watch_time();
}

bool WorkerProcesses::is_silent(int worker) {
  WorkerRecord& of = record(worker);
  return !of.ring || of.ring->readable() == 0;
}

// A task that writes wildly may overwrite the words by which workers and parent wake each other, and hand over
// work. So if nothing has happened for a while, workers are woken in any case, and what they wrote is checked.
void WorkerProcesses::check_workers() {
  for (int i = 0; i < workers(); ++i) {
    if (process(i).process_state.load() != ProcessState::kAlive || record(i).cut) continue;
    if (is_disordered(i)) cut_off(i, true);
  }
  check_progress();
}

// Wakes WORKER. Returns whether what it wrote was impossible in this check and in the one before.
bool WorkerProcesses::is_disordered(int worker) {
  const bool waits = slot(worker).bell.is_parked() && slot(worker).worker_state.load() == WorkerState::kIdle;
  int& found = record(worker).inconsistencies;
  found = is_inconsistent(worker) ? found + 1 : 0;  // before it is woken, since it is asked whether it sleeps
  if (!waits) slot(worker).bell.wake_anyway();
  record(worker).ring->ring().wake_anyway();
  return found >= kInconsistencies;
}

bool WorkerProcesses::step() {
  bool happened = false;
  for (int i = 0; i < workers(); ++i) happened = look(i) || happened;
  watch_time();
  is_quiet_ = is_quiet_ && !happened;
  if (!happened && last_watch_ns_ - last_check_ns_ >= kBetweenChecks_ns) check();
  return happened;
}

// By the time, not when a sleep was not disturbed: several threads may disturb each other's without end.
void WorkerProcesses::check() {
  last_check_ns_ = last_watch_ns_;
  if (fork_server_->lost())
    throw PoolError(
        "the process that forks this Pool's workers was killed, and the workers with it; or it could not "
        "start, and has said why");
  if (std::exchange(is_quiet_, true)) check_workers();
}

bool WorkerProcesses::look(int worker) {
  const ProcessState process_state = process(worker).process_state.load();
  if (process_state == ProcessState::kVacant) return false;
  if (is_gone(process_state)) return reap(worker);
  const bool is_idle = slot(worker).worker_state.load() == WorkerState::kIdle;  // before its reports are read
  bool happened = record(worker).frames && drain(worker);
  if (is_idle && !record(worker).left_idle) {
    if (dispatch(worker))
      happened = true;
    else
      record(worker).left_idle = true;
  }
  return happened;
}

bool WorkerProcesses::drain(int worker) {
  WorkerRecord& from = record(worker);
  if (from.cut) return false;
  int taken = 0;
  try {
    while (taken < kFramesAtOnce && take_next(worker, *from.frames)) ++taken;
    on_results_end(worker);
    return taken > 0;
  } catch (const ValueTorn&) {
    cut_off(worker, false);
  } catch (const Nonsense&) {
    cut_off(worker, true);
  }
  on_results_end(worker);
  return true;
}

// Takes one report; false if none has come. Of cheap tasks there are millions, so a report that lies in the ring in
// one piece, as nearly all do, is taken from there.
bool WorkerProcesses::take_next(int worker, channel::FrameReader& frames) {
  channel::FrameHeader header;
  if (const auto whole = frames.whole(header)) {
    if (header.kind == kPlain) {
      on_plain(worker, *whole);
      frames.pass(header);
      return true;
    }
    if (header.kind == kResult && header.flags == kWhole) {
      BytesReader reader(whole->data(), whole->size());
      take_result(worker, reader, [&] { frames.pass(header); });
      return true;
    }
  }
  on_results_end(worker);
  const channel::Status status = frames.peek(header, channel::kAtOnce);
  if (status == channel::Status::kTorn) throw ValueTorn{};
  if (status != channel::Status::kOk) return false;
  take_frame(worker, header);
  return true;
}

void WorkerProcesses::take_frame(int worker, const channel::FrameHeader& header) {
  switch (header.kind) {
    case kPlain:
      return take_plain(worker, header);
    case kResult: {
      PartsReader reader = value(worker, header.flags);
      return take_result(worker, reader, [&] { reader.skip_rest(); });
    }
    case kFailure:
      return take_failure(worker);
    case kStored:
      return on_stored(worker, head_of_report<StoredHead>(value(worker, kWhole)));
    case kChunk:
      return on_chunk(worker, head_of_report<ChunkTail>(value(worker, kWhole)));
    case kBroken: {
      PartsReader reader = value(worker, kWhole);
      const Failure failure = decode_failure(reader);
      reader.skip_rest();
      return on_broken(worker, failure);
    }
    case kFiller:
    case kPart:  // of a value that was dropped
      return value(worker, kWhole).skip_rest();
    default:
      throw Nonsense{};
  }
}

// It may be whole nonetheless, if it has come just now.
void WorkerProcesses::take_plain(int worker, const channel::FrameHeader& header) {
  channel::FrameReader& frames = *record(worker).frames;
  const std::span<const std::byte> here = frames.contiguous();
  if (here.size() < frames.remaining()) return on_plain_in_parts(worker, header);
  on_plain(worker, here);
  frames.consume(here.size());
}

template <class End>
void WorkerProcesses::take_result(int worker, ValueReader& reader, const End& end) {
  std::uint64_t index = 0;
  reader.read(&index, sizeof index);
  check_result(worker, index);
  try {
    store(worker, index, reader);
  } catch (const ValueTorn&) {
    throw;
  } catch (const ValueDropped&) {
    return;  // its failure follows
  } catch (...) {
    Failure failure = unread_result();
    end();
    return on_unread(worker, index, std::move(failure));
  }
  end();
  on_result(worker, index);
}

void WorkerProcesses::take_failure(int worker) {
  PartsReader reader = value(worker, kWhole);
  std::uint64_t index = 0;
  reader.read(&index, sizeof index);
  Failure failure = decode_failure(reader);
  reader.skip_rest();
  on_failure(worker, index, std::move(failure));
}

void WorkerProcesses::on_broken(int worker, const Failure& failure) {
  throw PoolError(initializer_failed(worker, failure.message));
}

// Stops reading a worker's reports, and kills it. It may have died in the middle of a report: then there is
// no whole frame left to read. Anything else means that its reports are garbled.
void WorkerProcesses::cut_off(int worker, bool nonsense) {
  constexpr std::size_t kLeftover = 2 * channel::FrameHeader::kBytes;
  WorkerRecord& from = record(worker);
  from.cut = true;
  from.garbled =
      nonsense || !is_gone(process(worker).process_state.load()) || from.ring->readable() >= kLeftover;
  FURROW_LOG(pool, info, "the reports of worker {} {}: it is killed", worker,
             from.garbled ? "make no sense" : "end in the middle");
  fork_server_->kill(worker);
}

void WorkerProcesses::read_the_rest() {
  for (int i = 0; i < workers(); ++i) {
    if (!record(i).frames) continue;
    record(i).ring->ring().abandon();
    while (drain(i)) {
    }
  }
}

bool WorkerProcesses::reap(int worker) {
  ProcessSlot& dead = process(worker);
  if (dead.process_state.load() == ProcessState::kForkFailed) {
    fork_errno_ = dead.wait_status;
    FURROW_LOG(pool, info, "worker {} could not be forked: {}", worker, std::strerror(fork_errno_));
    dead.process_state.store(ProcessState::kVacant);
    if (alive() == 0)
      throw PoolError(std::string("cannot fork a worker process: ") + std::strerror(fork_errno_));
    return true;
  }
  record(worker).ring->ring().abandon();
  while (drain(worker)) {
  }
  const int status = dead.wait_status;
  FURROW_LOG(pool, info, "worker {}, process {}, {}", worker, dead.pid.load(), how_it_ended(status));
  dead.process_state.store(ProcessState::kVacant);
  on_death(worker, status);
  return true;
}

// Uses the parent's clock alone: a worker has run its item for at least as long as the parent has seen it
// published. If the parent itself did not look for long, the time starts anew.
void WorkerProcesses::watch_time() {
  const std::int64_t now = os::monotonic_ns();
  for (int i = 0; i < workers(); ++i)
    if (time_limit_s(i) > 0) watch_time(i, now);
  last_watch_ns_ = now;
}

void WorkerProcesses::watch_time(int worker, std::int64_t now_ns) {
  WorkerRecord& late = record(worker);
  const std::uint64_t item = slot(worker).published.load();
  const std::uint32_t attempts = slot(worker).attempts.load(std::memory_order_relaxed);
  const auto limit = static_cast<std::int64_t>(std::min(time_limit_s(worker), kLongest_s) * 1e9);
  const bool away = now_ns - last_watch_ns_ > std::max<std::int64_t>(limit / 2, 2 * kLongestSleep_ns);
  if (item == kNothing || item != late.item || attempts != late.attempts || away) {
    late.item = item;
    late.attempts = attempts;
    late.since_ns = now_ns;
    return;
  }
  if (now_ns - late.since_ns < limit || late.late_item == item ||
      process(worker).process_state.load() != ProcessState::kAlive)
    return;
  if (!overdue(worker, item)) {
    if (!has_work(worker) || !is_silent(worker)) {
      late.since_ns = now_ns;
      return;
    }
    // It has work, but says that it runs something else: the word was overwritten.
    FURROW_LOG(pool, info, "worker {} runs an item that it was not given, for more than {} s", worker,
               time_limit_s(worker));
    return cut_off(worker, true);
  }
  late.late_item = item;
  FURROW_LOG(pool, info, "worker {} has run a task for more than {} s: it is killed", worker,
             time_limit_s(worker));
  fork_server_->kill(worker);
}

bool WorkerProcesses::something(int worker) {
  const ProcessState process_state = process(worker).process_state.load();
  if (process_state == ProcessState::kVacant) return false;
  if (is_gone(process_state)) return true;
  WorkerRecord& from = record(worker);
  // Less than a header is only the padding of the previous frame.
  if (!from.cut && from.ring->readable() >= channel::FrameHeader::kBytes) return true;
  return slot(worker).worker_state.load() == WorkerState::kIdle && !from.left_idle;
}

// Spinning pays while reports follow each other closely. While they do not, most waits sleep at once, since the
// spinning would take the time of a core from the workers.
std::int64_t WorkerProcesses::spin_ns() const {
  constexpr unsigned kVain = 4, kTryAgain = 16;
  return vain_spins_ < kVain || vain_spins_ % kTryAgain == 0 ? os::kSpinNs : 0;
}

void WorkerProcesses::sleep(std::int64_t at_most_ns) {
  std::int64_t patience = std::min(at_most_ns, kLongestSleep_ns);
  for (int i = 0; i < workers(); ++i) {
    const double limit_s = time_limit_s(i);
    if (limit_s > 0)
      patience = std::min(
          patience, std::max<std::int64_t>(static_cast<std::int64_t>(std::min(limit_s, kLongest_s) * 1e9 / 8),
                                           1'000'000));
  }
  const auto ready = [&] {
    for (int i = 0; i < workers(); ++i)
      if (something(i)) return channel::Status::kOk;
    return channel::Status::kTimeout;
  };
  const std::int64_t began = os::monotonic_ns();
  const channel::Status status = memory_.bell().wait({patience, &called_}, spin_ns(), ready);
  vain_spins_ = os::monotonic_ns() - began > os::kSpinNs ? vain_spins_ + 1 : 0;
  if (status == channel::Status::kCancelled) called_.store(0);
}

}  // namespace furrow::pool
