#include "pool/workers/fork_server.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/log.hpp"
#include "furrow/errors.hpp"
#include "os/events/clock.hpp"
#include "os/process/fork.hpp"
#include "os/process/process_tree.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kPatience_ns = kTimeToEnd_ns;  // for workers that should end by themselves
constexpr std::int64_t kLook_ns = 5'000'000;          // interval of looks at workers whose tasks should end
constexpr std::int64_t kNoPidfd_ns = 200'000'000;     // interval of checks on the parent without a pidfd
constexpr long kNoPoll_ns = 10'000'000;               // interval of checks without ppoll()

}  // namespace

ForkServer::ForkServer(const WorkerMemory& memory, bool alone, std::function<int(int)> body)
    : memory_(memory), body_(std::move(body)), maker_(::getpid()) {
  const auto child = os::fork_child([this] { return run_template(maker_); }, alone);
  if (!child) throw PoolError(child.error().message);
  template_ = *child;
  FURROW_LOG(pool, info, "fork server {} is forked, for {} workers", template_, memory_.workers());
}

ForkServer::ForkServer(const WorkerMemory& memory, pid_t spawned)
    : memory_(memory), maker_(::getpid()), template_(spawned) {}

int ForkServer::run_template(const WorkerMemory& memory, pid_t parent, std::function<int(int)> body) {
  ForkServer fork_server(memory, 0);
  fork_server.body_ = std::move(body);
  return fork_server.run_template(parent);
}

ForkServer::~ForkServer() { end(Ending::kNow); }

void ForkServer::want(int worker) {
  memory_.process(worker).process_state.store(ProcessState::kWanted);
  wake();
}

void ForkServer::kill(int worker) {
  memory_.process(worker).kill.store(Kill::kWorker);
  wake();
}

void ForkServer::kill_programs(int worker) {
  Kill none = Kill::kNo;
  memory_.process(worker).kill.compare_exchange_strong(none, Kill::kPrograms);
  wake();
}

void ForkServer::wake() const {
  if (template_ > 0 && !lost_) ::kill(template_, SIGCHLD);
}

bool ForkServer::lost() {
  if (!lost_ && template_ > 0 && os::ended_status(template_)) {
    os::wait_until_ended(template_);
    FURROW_LOG(pool, info, "fork server {} was killed, and its workers with it", template_);
    lost_ = true;
  }
  return lost_;
}

bool ForkServer::is_ours() const { return maker_ == ::getpid(); }

bool ForkServer::end(Ending how) {
  if (!is_ours()) return false;
  if (template_ == 0) return !lost_;
  if (!lost()) {
    memory_.ending().store(how);
    for (int i = 0; i < memory_.workers(); ++i) memory_.slot(i).bell.nudge();
    wake();
    os::wait_until_ended(template_);
    // If a worker is left alive, the template was killed meanwhile.
    for (int i = 0; i < memory_.workers(); ++i)
      lost_ = lost_ || memory_.process(i).process_state.load() == ProcessState::kAlive;
  }
  template_ = 0;
  return !lost_;
}

// The functions below run in the template process.

int ForkServer::run_template(pid_t parent) {
  sigset_t child_ended;
  ::sigemptyset(&child_ended);
  ::sigaddset(&child_ended, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_ended, &while_asleep_);
  ::sigdelset(&while_asleep_, SIGCHLD);
  struct sigaction action {};
  action.sa_handler = [](int) {};  // only has to interrupt the sleep
  ::sigaction(SIGCHLD, &action, nullptr);
  parents_end_ = os::watch_parent(parent);
  std::int64_t deadline = 0;
  for (;;) {
    // A wake() before the signal was blocked may be lost, so check before sleeping.
    Ending ending = memory_.ending().load();
    if (ending == Ending::kSoon || ending == Ending::kStop) {
      if (deadline == 0) deadline = os::monotonic_ns() + kPatience_ns;
      if (os::monotonic_ns() >= deadline) ending = Ending::kNow;
    }
    reap();
    if (!apply(ending) && ending != Ending::kNo) return 0;
    sleep(ending == Ending::kStop ? kLook_ns : ending == Ending::kSoon ? deadline - os::monotonic_ns() : -1);
    if (::getppid() == parent) continue;
    apply(Ending::kNow);
    ::_exit(0);
  }
}

// Until a child or the parent ends, or the parent calls; at most AT_MOST_NS (below 0: forever).
void ForkServer::sleep(std::int64_t at_most_ns) const {
  if (parents_end_ < 0 && (at_most_ns < 0 || at_most_ns > kNoPidfd_ns)) at_most_ns = kNoPidfd_ns;
  const timespec patience{at_most_ns / 1'000'000'000, at_most_ns % 1'000'000'000};
  pollfd watched{parents_end_, POLLIN, 0};
  const int ready =
      ::ppoll(&watched, parents_end_ < 0 ? 0 : 1, at_most_ns < 0 ? nullptr : &patience, &while_asleep_);
  if (ready >= 0 || errno == EINTR) return;
  const timespec moment{0, kNoPoll_ns};  // the call is forbidden here
  ::nanosleep(&moment, nullptr);
}

// Forks workers, and kills them with all that their tasks have started, as their slots ask. Returns whether any worker is alive.
bool ForkServer::apply(Ending ending) {
  bool alive = false;
  for (int i = 0; i < memory_.workers(); ++i) {
    ProcessSlot& process = memory_.process(i);
    if (ending == Ending::kNo && process.process_state.load() == ProcessState::kWanted) fork_worker(i);
    if (process.process_state.load() != ProcessState::kAlive) continue;
    alive = true;
    kill_if_wanted(i, ending);
  }
  return alive;
}

void ForkServer::kill_if_wanted(int worker, Ending ending) {
  ProcessSlot& process = memory_.process(worker);
  const WorkerSlot& slot = memory_.slot(worker);
  const Kill kill = process.kill.exchange(Kill::kNo);
  const bool starts = slot.worker_state.load() == WorkerState::kStarting;
  const bool condemned = kill == Kill::kWorker || ending == Ending::kNow ||
                         (ending == Ending::kSoon && starts) || (ending == Ending::kStop && !slot.asks());
  if (condemned)
    os::kill_tree(process.pid.load());
  else if (kill == Kill::kPrograms)
    os::kill_descendants(process.pid.load());
}

void ForkServer::fork_worker(int worker) {
  ProcessSlot& process = memory_.process(worker);
  const pid_t self = ::getpid();
  const auto child = os::fork_child(
      [&] {
        os::die_with(self);
        memory_.protect_processes();
        if (parents_end_ >= 0) ::close(parents_end_);
        return body_(worker);
      },
      true);
  process.wait_status = child ? 0 : errno;
  if (child) FURROW_LOG(pool, debug, "worker {} is process {}", worker, *child);
  process.pid.store(child ? *child : 0);
  process.process_state.store(child ? ProcessState::kAlive : ProcessState::kForkFailed);
  if (!child) memory_.bell().ring();
}

void ForkServer::reap() {
  int status = 0;
  for (pid_t ended; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    for (int i = 0; i < memory_.workers(); ++i) {
      ProcessSlot& process = memory_.process(i);
      if (process.process_state.load() != ProcessState::kAlive || process.pid.load() != ended) continue;
      process.wait_status = status;
      process.process_state.store(ProcessState::kDead);
      memory_.bell().ring();
    }
  }
}

}  // namespace furrow::pool
