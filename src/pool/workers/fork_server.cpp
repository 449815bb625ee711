#include "pool/workers/fork_server.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/log.hpp"
#include "furrow/errors.hpp"
#include "os/events/clock.hpp"
#include "os/process/fork.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kPatience_ns = 2'000'000'000;  // for workers that should end by themselves
constexpr int kNoPidfd_ms = 200;                      // interval of checks on the parent without a pidfd

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
  memory_.slot(worker).process_state.store(ProcessState::kWanted);
  wake();
}

void ForkServer::kill(int worker) {
  memory_.slot(worker).kill.store(1);
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

bool ForkServer::end(Ending how) {
  if (maker_ != ::getpid()) return false;
  if (template_ == 0) return !lost_;
  if (!lost()) {
    memory_.header().ending.store(how);
    for (int i = 0; i < memory_.workers(); ++i) memory_.slot(i).bell.nudge();
    wake();
    os::wait_until_ended(template_);
    // If a worker is left alive, the template was killed meanwhile.
    for (int i = 0; i < memory_.workers(); ++i)
      lost_ = lost_ || memory_.slot(i).process_state.load() == ProcessState::kAlive;
  }
  template_ = 0;
  return !lost_;
}

// The functions below run in the template process.

int ForkServer::run_template(pid_t parent) {
  sigset_t child_ended;
  ::sigemptyset(&child_ended);
  ::sigaddset(&child_ended, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_ended, nullptr);
  const int signals = signals_ = ::signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK);
  const int parents_end = parents_end_ = os::watch_parent(parent);
  std::int64_t deadline = 0;
  for (;;) {
    // A wake() between fork and signalfd may be lost, so check before sleeping.
    Ending ending = memory_.header().ending.load();
    if (ending == Ending::kSoon) {
      if (deadline == 0) deadline = os::monotonic_ns() + kPatience_ns;
      if (os::monotonic_ns() >= deadline) ending = Ending::kNow;
    }
    reap();
    if (!apply(ending) && ending != Ending::kNo) return 0;

    int patience_ms = parents_end < 0 ? kNoPidfd_ms : -1;
    if (ending == Ending::kSoon)
      patience_ms = static_cast<int>((deadline - os::monotonic_ns()) / 1'000'000) + 1;
    pollfd watched[2] = {{signals, POLLIN, 0}, {parents_end, POLLIN, 0}};
    ::poll(watched, 2, patience_ms);
    signalfd_siginfo info;
    while (::read(signals, &info, sizeof info) > 0) {
    }
    if ((watched[1].revents & POLLIN) || ::getppid() != parent) ::_exit(0);
  }
}

// Forks and kills workers as their slots ask. Returns whether any worker is alive.
bool ForkServer::apply(Ending ending) {
  bool alive = false;
  for (int i = 0; i < memory_.workers(); ++i) {
    WorkerSlot& slot = memory_.slot(i);
    if (ending == Ending::kNo && slot.process_state.load() == ProcessState::kWanted) fork_worker(i);
    if (slot.process_state.load() != ProcessState::kAlive) continue;
    alive = true;
    const bool condemned = slot.kill.exchange(0) != 0 || ending == Ending::kNow ||
                           (ending == Ending::kSoon && slot.worker_state.load() == WorkerState::kStarting);
    if (condemned) ::kill(slot.pid.load(), SIGKILL);
  }
  return alive;
}

void ForkServer::fork_worker(int worker) {
  WorkerSlot& slot = memory_.slot(worker);
  const pid_t self = ::getpid();
  const auto child = os::fork_child(
      [&] {
        os::die_with(self);
        ::close(signals_);
        if (parents_end_ >= 0) ::close(parents_end_);
        return body_(worker);
      },
      true);
  slot.wait_status = child ? 0 : errno;
  if (child) FURROW_LOG(pool, debug, "worker {} is process {}", worker, *child);
  slot.pid.store(child ? *child : 0);
  slot.process_state.store(child ? ProcessState::kAlive : ProcessState::kForkFailed);
  if (!child) memory_.header().bell.ring();
}

void ForkServer::reap() {
  int status = 0;
  for (pid_t ended; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    for (int i = 0; i < memory_.workers(); ++i) {
      WorkerSlot& slot = memory_.slot(i);
      if (slot.process_state.load() != ProcessState::kAlive || slot.pid.load() != ended) continue;
      slot.wait_status = status;
      slot.process_state.store(ProcessState::kDead);
      memory_.header().bell.ring();
    }
  }
}

}  // namespace furrow::pool
