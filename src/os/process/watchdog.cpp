#include "os/process/watchdog.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/files/close_all.hpp"
#include "os/process/process.hpp"
#include "os/process/survivors.hpp"

namespace furrow::os {

namespace {

constexpr char kFarewell = 'q';  // the engine ends normally

// After a violent end of the engine: how many times at least to look for children that write their slot late,
// and how many times at most to wait for a process that cannot die at once (it waits for a disk).
constexpr int kFewestRounds = 6;
constexpr int kMostRounds = 6000;
constexpr useconds_t kRoundUs = 10'000;
constexpr int kBeat_ms = 30'000;

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

bool wait_for_end(int pipe_fd, const std::function<void()>& on_beat) {
  char byte = 0;
  pollfd watched{pipe_fd, POLLIN, 0};
  while (on_beat && ::poll(&watched, 1, kBeat_ms) <= 0) on_beat();
  ssize_t n;
  do n = ::read(pipe_fd, &byte, 1);
  while (n < 0 && errno == EINTR);
  return n == 1 && byte == kFarewell;
}

// True if one of the groups is alive, or was until now.
bool kill_groups(const std::vector<int>& groups) {
  bool exists = false;
  for (const int group : groups) exists |= signal_group(group, SIGKILL);
  return exists && !living_groups(groups).empty();
}

// Processes that have left the groups. True if there were any.
bool kill_strays(const std::string& run, const JobTable& table) {
  if (run.empty()) return false;
  const Survivors strays = find_survivors({.id = run, .table = &table});
  kill_all(strays.certain);
  return !strays.certain.empty();
}

void end_all(const std::string& run, const JobTable& table) {
  for (int round = 0; round < kMostRounds; ++round) {
    const bool lives = kill_groups(table.groups());
    if (round >= kFewestRounds && !lives && !kill_strays(run, table)) return;
    ::usleep(kRoundUs);
  }
}

}  // namespace

Watchdog::Watchdog(const std::string& run, std::unique_ptr<JobTable> table)
    : run_(run), table_(std::move(table)) {}

Result<std::unique_ptr<Watchdog>> Watchdog::create(const std::string& run) {
  auto table = FURROW_TRY(JobTable::create());
  return std::unique_ptr<Watchdog>(new Watchdog(run, std::move(table)));
}

Result<void> Watchdog::watch(const std::vector<int>& kept_descriptors, const std::function<void()>& on_ended,
                             const std::function<void()>& on_beat) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(system_error("cannot make a pipe for the watchdog"));
  pipe_fd_ = ends[1];
  if (on_ended) table_->publish(run_);
  pid_ = ::fork();
  if (pid_ == 0) {
    std::vector<int> kept = kept_descriptors;
    kept.push_back(ends[0]);
    become_watchdog(kept);
    const bool is_orderly = wait_for_end(ends[0], on_beat);
    if (is_orderly) {
      (void)kill_groups(table_->groups());
    } else {
      end_all(run_, *table_);
      if (on_ended) on_ended();
    }
    JobTable::remove(run_);
    ::_exit(0);
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
  JobTable::remove(run_);
}

}  // namespace furrow::os
