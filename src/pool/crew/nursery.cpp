#include "pool/crew/nursery.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "furrow/errors.hpp"
#include "os/process/fork.hpp"
#include "pool/map/participant.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kPatience_ns = 2'000'000'000;  // with workers that should end by themselves
constexpr int kNoPidfd_ms = 200;                      // between looks at the parent where there are no pidfds

}  // namespace

Nursery::Nursery(const CrewMemory& memory, bool alone, std::function<int(int)> body)
    : memory_(memory), body_(std::move(body)), maker_(::getpid()) {
  const auto child = os::fork_child([this] { return tend(maker_); }, alone);
  if (!child) throw PoolError(child.error().message);
  template_ = *child;
}

Nursery::Nursery(const CrewMemory& memory, pid_t spawned)
    : memory_(memory), maker_(::getpid()), template_(spawned) {}

int Nursery::tend(const CrewMemory& memory, pid_t parent, std::function<int(int)> body) {
  Nursery nursery(memory, 0);
  nursery.body_ = std::move(body);
  return nursery.tend(parent);
}

Nursery::~Nursery() { end(Ending::kNow); }

void Nursery::want(int worker) {
  memory_.slot(worker).life.store(Life::kWanted);
  poke();
}

void Nursery::kill(int worker) {
  memory_.slot(worker).kill.store(1);
  poke();
}

void Nursery::poke() const {
  if (template_ > 0 && !lost_) ::kill(template_, SIGCHLD);
}

bool Nursery::lost() {
  if (!lost_ && template_ > 0 && os::ended_status(template_)) {
    os::wait_until_ended(template_);
    lost_ = true;
  }
  return lost_;
}

bool Nursery::end(Ending how) {
  if (maker_ != ::getpid()) return false;
  if (template_ == 0) return !lost_;
  if (!lost()) {
    memory_.header().ending.store(how);
    for (int i = 0; i < memory_.workers(); ++i) memory_.slot(i).bell.nudge();
    poke();
    os::wait_until_ended(template_);
    // Otherwise it was killed meanwhile, with workers left.
    for (int i = 0; i < memory_.workers(); ++i) lost_ = lost_ || memory_.slot(i).life.load() == Life::kAlive;
  }
  template_ = 0;
  return !lost_;
}

// From here on: in the template.

int Nursery::tend(pid_t parent) {
  sigset_t child_ended;
  ::sigemptyset(&child_ended);
  ::sigaddset(&child_ended, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_ended, nullptr);
  const int signals = signals_ = ::signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK);
  const int parents_end = parents_end_ = os::watch_parent(parent);
  std::int64_t deadline = 0;
  for (;;) {
    // Poked between fork and signalfd: the signal was pending or is lost, so look before sleeping.
    Ending ending = memory_.header().ending.load();
    if (ending == Ending::kSoon) {
      if (deadline == 0) deadline = steady_ns() + kPatience_ns;
      if (steady_ns() >= deadline) ending = Ending::kNow;
    }
    reap();
    if (!obey(ending) && ending != Ending::kNo) return 0;

    int patience_ms = parents_end < 0 ? kNoPidfd_ms : -1;
    if (ending == Ending::kSoon) patience_ms = static_cast<int>((deadline - steady_ns()) / 1'000'000) + 1;
    pollfd watched[2] = {{signals, POLLIN, 0}, {parents_end, POLLIN, 0}};
    ::poll(watched, 2, patience_ms);
    signalfd_siginfo info;
    while (::read(signals, &info, sizeof info) > 0) {
    }
    if ((watched[1].revents & POLLIN) || ::getppid() != parent) ::_exit(0);
  }
}

// Whether any worker is alive after this.
bool Nursery::obey(Ending ending) {
  bool alive = false;
  for (int i = 0; i < memory_.workers(); ++i) {
    WorkerSlot& slot = memory_.slot(i);
    if (ending == Ending::kNo && slot.life.load() == Life::kWanted) bear(i);
    if (slot.life.load() != Life::kAlive) continue;
    alive = true;
    const bool condemned = slot.kill.exchange(0) != 0 || ending == Ending::kNow ||
                           (ending == Ending::kSoon && slot.talk.load() == Talk::kStarting);
    if (condemned) ::kill(slot.pid.load(), SIGKILL);
  }
  return alive;
}

void Nursery::bear(int worker) {
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
  slot.pid.store(child ? *child : 0);
  slot.life.store(child ? Life::kAlive : Life::kUnborn);
  if (!child) memory_.header().bell.ring();
}

void Nursery::reap() {
  int status = 0;
  for (pid_t ended; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    for (int i = 0; i < memory_.workers(); ++i) {
      WorkerSlot& slot = memory_.slot(i);
      if (slot.life.load() != Life::kAlive || slot.pid.load() != ended) continue;
      slot.wait_status = status;
      slot.life.store(Life::kDead);
      memory_.header().bell.ring();
    }
  }
}

}  // namespace furrow::pool
