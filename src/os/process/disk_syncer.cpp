#include "os/process/disk_syncer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "base/hash.hpp"
#include "os/events/clock.hpp"
#include "os/files/close_all.hpp"
#include "os/files/descriptor.hpp"
#include "os/files/file_systems.hpp"
#include "os/files/files.hpp"

namespace furrow::os {

namespace {

constexpr std::size_t kPathBytes = 1 << 20;
constexpr double kShortest_s = 1;  // between two rounds
constexpr double kPauses = 19;     // how many times as long as a round the pause after it is
constexpr int kLook_ms = 1000;     // the engine does not say when there is something new
constexpr char kLastRound = 'q';
constexpr useconds_t kWaitUs = 500;

}  // namespace

struct DiskSyncer::Shared {
  std::atomic<std::int64_t> wrote{0}, durable{0};
  // The most that any of the files has cost that are not on the disk yet.
  std::atomic<double> worth_s{0};
  // Paths with a NUL each; they are only appended.
  std::atomic<std::uint32_t> used{0};
  // There were too many paths: sync every file system.
  std::atomic<bool> is_full{false};
  char paths[kPathBytes];
};

namespace {

void become_syncer(std::vector<int> kept) {
  ::setsid();
  ::prctl(PR_SET_NAME, "furrow-sync");
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_IGN);
  const int null_fd = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2; ++fd) ::dup2(null_fd, fd);
  close_all_but(std::move(kept));
}

}  // namespace

Result<std::unique_ptr<DiskSyncer>> DiskSyncer::start(int kept, bool everything, OnDurable on_durable) {
  void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return fail(system_error("cannot get shared memory"));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    const Error error = system_error("cannot make a pipe");
    ::munmap(memory, sizeof(Shared));
    return fail(error);
  }
  std::unique_ptr<DiskSyncer> syncer(new DiskSyncer(::new (memory) Shared, ends[1]));
  Shared& shared = *syncer->shared_;
  syncer->pid_ = ::fork();
  if (syncer->pid_ != 0) {
    const Error error = system_error("cannot start a process that syncs files");
    ::close(ends[0]);
    if (syncer->pid_ < 0) return fail(error);
    return syncer;
  }
  become_syncer({kept, ends[0]});
  FileSystems systems;
  std::uint32_t seen = 0;
  double next = monotonic_seconds() + kShortest_s, longest_pause = 0;
  for (bool is_last = false; !is_last;) {
    const double left_s = next - monotonic_seconds();
    const bool is_due = shared.wrote > shared.durable;
    pollfd watched{ends[0], POLLIN, 0};
    if (::poll(&watched, 1, is_due ? std::clamp(static_cast<int>(left_s * 1e3), 0, kLook_ms) : kLook_ms) >
        0) {
      char byte = 0;
      if (::read(ends[0], &byte, 1) != 1) ::_exit(0);  // the engine was killed
      is_last = true;
    }
    const double begun = monotonic_seconds();
    const std::int64_t number = shared.wrote.load(std::memory_order_acquire);
    // A sync that takes a twentieth of what the files have cost need not wait.
    const bool is_worth_it = shared.worth_s > std::max(kShortest_s, longest_pause);
    if (number <= shared.durable || (!is_last && !is_worth_it && begun < next)) continue;
    shared.worth_s = 0;
    for (const std::uint32_t used = shared.used.load(std::memory_order_acquire); seen < used;) {
      const std::string path(shared.paths + seen);
      seen += static_cast<std::uint32_t>(path.size()) + 1;
      systems.add(path);
    }
    if (systems.sync(everything || shared.is_full)) {
      everything = false;
      on_durable(number);
      shared.durable = number;
    }
    const double now = monotonic_seconds();
    longest_pause = kPauses * (now - begun);
    next = now + std::max(kShortest_s, longest_pause);
  }
  ::_exit(0);
}

DiskSyncer::~DiskSyncer() {
  if (pipe_fd_ >= 0) ::close(pipe_fd_);
  if (pid_ > 0) ::waitpid(pid_, nullptr, WNOHANG);
  ::munmap(shared_, sizeof(Shared));
}

void DiskSyncer::add(std::string_view path) {
  if (!known_.empty() && path == last_) return;
  last_ = path;
  if (!known_.insert(hash64(path)).second) return;
  const std::uint32_t used = shared_->used.load(std::memory_order_relaxed);
  if (used + path.size() + 1 > kPathBytes) {
    shared_->is_full = true;
    return;
  }
  const std::string_view text = path.empty() ? "." : path;
  std::memcpy(shared_->paths + used, text.data(), text.size());  // the memory after it is zero
  shared_->used.store(used + static_cast<std::uint32_t>(text.size()) + 1, std::memory_order_release);
}

void DiskSyncer::wrote(std::int64_t number, double worth_s) {
  if (worth_s > shared_->worth_s) shared_->worth_s = worth_s;
  shared_->wrote.store(number, std::memory_order_release);
}

bool DiskSyncer::finish(double wait_s) {
  if (pid_ <= 0 || ::write(pipe_fd_, &kLastRound, 1) != 1) return false;
  const double deadline = monotonic_seconds() + wait_s;
  while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (monotonic_seconds() >= deadline) return false;
    ::usleep(kWaitUs);
  }
  pid_ = -1;
  return shared_->durable >= shared_->wrote;
}

}  // namespace furrow::os
