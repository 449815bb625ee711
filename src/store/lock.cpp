#include "store/lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <utility>

#include "os/events/clock.hpp"

namespace furrow::store {

namespace {

constexpr long kPollNs = 5'000'000;
// The heartbeat of a run on another host is so old at most; a run renews it every kBeat_s (docs/design/several-engines.md).
constexpr std::int64_t kFresh_s = 90;
constexpr const char* kHowToForget = "run \"furrow run --unlock\" in this directory";

std::string text_of_this_process() {
  RunMark mark = RunMark::of_this_process({});
  mark.add_guard(0);
  return mark.text();
}

// Whether the file was touched of late, by the clock of the file system: that of a file made now.
bool has_fresh_heartbeat(const std::string& path) {
  struct stat lock {
  }, now{};
  const std::string probe = path + "." + std::to_string(::getpid()) + ".now";
  const int fd = ::open(probe.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return true;
  const bool is_known =
      ::write(fd, "x", 1) == 1 && ::fstat(fd, &now) == 0 && ::stat(path.c_str(), &lock) == 0;
  ::close(fd);
  ::unlink(probe.c_str());
  return !is_known || now.st_mtim.tv_sec - lock.st_mtim.tv_sec < kFresh_s;
}

// Some file systems give flock() to each host by itself.
bool is_held_elsewhere(const Hold& hold, const RunMark& mark, const std::string& path) {
  return hold.has_flock() && mark.pid != 0 && !mark.is_of_this_host() && has_fresh_heartbeat(path);
}

}  // namespace

Error FolderLock::held_by(const RunMark& holder, const std::string& path) {
  if (holder.pid == 0) {
    return Error{"another furrow run works in this directory", "", 0,
                 "Wait for it to end, or run in another directory. The lock is " + path + "."};
  }
  if (!holder.is_of_this_host()) {
    return Error{
        "another furrow run (" + holder.who() + ") works in this directory", "", 0,
        "Wait for it to end. If nothing of it runs on " + holder.host + " any more, " + kHowToForget + "."};
  }
  if (holder.is_alive()) {
    return Error{"another furrow run (" + holder.who() + ") works in this directory", "", 0,
                 "Wait for it to end, or run in another directory."};
  }
  return Error{"jobs of a furrow run that was killed (" + holder.who() + ") have not ended yet", "", 0,
               "Wait for them to end, or end them yourself: they still hold " + path + "."};
}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(hold_, other.hold_);
  std::swap(ended_, other.ended_);
  return *this;
}

// Closes the file without unlocking it: unlocking would take the lock from a watchdog that shares it.
FolderLock::~FolderLock() {
  if (hold_.is_taken()) end_jobs(hold_.fd());
}

Result<FolderLock> FolderLock::take(const std::string& path, double wait_s) {
  RunMark holder;
  auto lock = FURROW_TRY(take_unless_alive(path, wait_s, holder));
  if (!lock) return furrow::fail(held_by(holder, path));
  return std::move(*lock);
}

Result<std::optional<FolderLock>> FolderLock::take_unless_alive(const std::string& path, double wait_s,
                                                                RunMark& holder) {
  const auto may_hold = [](const std::string& text) { return RunMark::from(text).may_hold(); };
  const double deadline = os::monotonic_seconds() + wait_s;
  Hold hold;
  for (;;) {
    hold = FURROW_TRY(Hold::attempt(path, text_of_this_process, may_hold));
    holder = RunMark::from(hold.text());
    if (hold.is_taken()) break;
    // Read again each time: another run may have taken the lock, and may not have written its name yet.
    if (holder.pid != 0 && holder.is_alive()) return std::optional<FolderLock>();
    if (os::monotonic_seconds() >= deadline) return furrow::fail(held_by(holder, path));
    const timespec pause{0, kPollNs};
    ::nanosleep(&pause, nullptr);
  }
  if (is_held_elsewhere(hold, holder, path)) return std::optional<FolderLock>();
  auto ended = end_jobs_of(holder, kHowToForget);
  if (!ended) {
    if (!hold.has_flock()) Hold::write(hold.fd(), hold.text());  // they still hold it
    return furrow::fail(std::move(ended.error()));
  }
  FolderLock lock;
  lock.hold_ = std::move(hold);
  lock.ended_ = *std::move(ended);
  if (lock.hold_.has_flock() && !Hold::write(lock.fd(), RunMark::of_this_process({}).text()))
    return furrow::fail(system_error("cannot write " + path));
  return std::optional<FolderLock>(std::move(lock));
}

Result<bool> FolderLock::forget_jobs(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return false;
  const auto is_here = [](const std::string& text) {
    const RunMark mark = RunMark::from(text);
    return mark.is_of_this_host() && mark.may_hold();
  };
  const Hold hold = FURROW_TRY(Hold::attempt(path, text_of_this_process, is_here));
  const RunMark mark = RunMark::from(hold.text());
  if (!hold.is_taken()) return furrow::fail(held_by(mark, path));
  end_jobs(hold.fd());
  return !mark.run.empty() || (mark.pid != 0 && !mark.is_of_this_host());
}

void FolderLock::jobs_are_ended(const std::string& path, const std::string& run) {
  const auto may_hold = [](const std::string& text) { return RunMark::from(text).may_hold(); };
  const auto hold = Hold::attempt(path, text_of_this_process, may_hold);
  if (!hold || !hold->is_taken()) return;
  const RunMark mark = RunMark::from(hold->text());
  const bool is_of_run = mark.run == run && mark.is_of_this_host();
  if (is_of_run || !hold->has_flock()) Hold::write(hold->fd(), is_of_run ? "" : hold->text());
}

Result<void> FolderLock::begin_jobs(const std::string& run, int watchdog) {
  RunMark mark = RunMark::of_this_process(run);
  if (!hold_.has_flock()) mark.add_guard(watchdog);
  if (!Hold::write(fd(), mark.text()))
    return furrow::fail(system_error("cannot write the lock of this directory"));
  return {};
}

void FolderLock::beat(int fd) { ::futimens(fd, nullptr); }

void FolderLock::end_jobs(int fd) { (void)Hold::write(fd, ""); }

}  // namespace furrow::store
