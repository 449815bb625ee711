#include "os/process/watchdog.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/process/process.hpp"

namespace furrow::os {

namespace {

constexpr std::size_t kTableBytes = Watchdog::kSlots * sizeof(std::atomic<std::int32_t>);
constexpr char kFarewell = 'q';  // the engine ends normally

// After a violent end of the engine: how many times at least to look for children that write their slot late,
// and how many times at most to wait for a process that cannot die at once (it waits for a disk).
constexpr int kFewestRounds = 6;
constexpr int kMostRounds = 6000;
constexpr useconds_t kRoundUs = 10'000;

using Table = std::atomic<std::int32_t>*;

void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned first = 3;
  for (const int fd : kept) {
    if (fd < static_cast<int>(first)) continue;
    if (static_cast<unsigned>(fd) > first) ::close_range(first, static_cast<unsigned>(fd) - 1, 0);
    first = static_cast<unsigned>(fd) + 1;
  }
  ::close_range(first, ~0u, 0);
}

// Detaches from the engine's terminal, its output and its signals.
void become_watchdog(const std::vector<int>& kept) {
  ::setsid();
  ::prctl(PR_SET_NAME, "furrow-guard");
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_IGN);
  const int null_fd = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2; ++fd) ::dup2(null_fd, fd);
  close_all_but(kept);
  if (::chdir("/") != 0) return;
}

bool wait_for_end(int pipe_fd) {
  char byte = 0;
  ssize_t n;
  do n = ::read(pipe_fd, &byte, 1);
  while (n < 0 && errno == EINTR);
  return n == 1 && byte == kFarewell;
}

std::vector<int> groups_in(Table table) {
  std::vector<int> groups;
  for (std::uint32_t i = 0; i < Watchdog::kSlots; ++i) {
    const int group = table[i].load(std::memory_order_seq_cst);
    if (group > 1) groups.push_back(group);
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

void end_all(Table table, int fewest_rounds) {
  for (int round = 0; round < kMostRounds; ++round) {
    const std::vector<int> groups = groups_in(table);
    bool exists = false;
    for (const int group : groups) exists |= signal_group(group, SIGKILL);
    if (round >= fewest_rounds && (!exists || living_groups(groups).empty())) return;
    ::usleep(kRoundUs);
  }
}

[[noreturn]] void watchdog_main(int pipe_fd, Table table) {
  const bool orderly = wait_for_end(pipe_fd);
  end_all(table, orderly ? 0 : kFewestRounds);
  ::_exit(0);
}

}  // namespace

Result<std::unique_ptr<Watchdog>> Watchdog::create() {
  std::unique_ptr<Watchdog> watchdog(new Watchdog);
  watchdog->table_fd_ = ::memfd_create("furrow-guard", MFD_CLOEXEC);
  void* memory = MAP_FAILED;
  if (watchdog->table_fd_ >= 0 && ::ftruncate(watchdog->table_fd_, kTableBytes) == 0) {
    memory = ::mmap(nullptr, kTableBytes, PROT_READ | PROT_WRITE, MAP_SHARED, watchdog->table_fd_, 0);
  }
  if (memory == MAP_FAILED) return fail(system_error("cannot make the watchdog's table"));
  watchdog->table_ = static_cast<Table>(memory);
  return watchdog;
}

Result<void> Watchdog::watch(const std::vector<int>& kept_descriptors) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(system_error("cannot make a pipe for the watchdog"));
  pipe_fd_ = ends[1];
  pid_ = ::fork();
  if (pid_ == 0) {
    std::vector<int> kept = kept_descriptors;
    kept.push_back(ends[0]);
    become_watchdog(kept);
    watchdog_main(ends[0], table_);
  }
  const Error error = system_error("cannot start the watchdog");
  ::close(ends[0]);
  if (pid_ < 0) return fail(error);
  return {};
}

Result<std::unique_ptr<Watchdog>> Watchdog::start(const std::vector<int>& kept_descriptors) {
  auto watchdog = create();
  if (!watchdog) return watchdog;
  FURROW_TRY((*watchdog)->watch(kept_descriptors));
  return watchdog;
}

Watchdog::~Watchdog() {
  if (pid_ > 0 && ::write(pipe_fd_, &kFarewell, 1) < 0) {
    // The watchdog has ended already.
  }
  if (pipe_fd_ >= 0) ::close(pipe_fd_);
  if (pid_ > 0) wait_for(pid_);
  if (table_ != nullptr) ::munmap(table_, kTableBytes);
  if (table_fd_ >= 0) ::close(table_fd_);
}

}  // namespace furrow::os
