#include "store/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

#include "os/events/clock.hpp"
#include "store/run_mark.hpp"

namespace furrow::store {

namespace {

constexpr long kPollNs = 5'000'000;
constexpr std::size_t kLongest = 1024;
constexpr const char* kHowToForget = "run \"furrow run --unlock\" in this directory";

RunMark read_mark(int fd) {
  char text[kLongest];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  return RunMark::from(std::string(text, static_cast<std::size_t>(n > 0 ? n : 0)));
}

bool write_mark(int fd, const RunMark& mark) {
  const std::string text = mark.text();
  // First written, then cut off: at each moment the file names a holder.
  return ::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
         ::ftruncate(fd, static_cast<off_t>(text.size())) == 0;
}

Error held_by(const RunMark& holder, const std::string& path) {
  if (holder.pid == 0) {
    return Error{"another furrow run works in this directory", "", 0,
                 "Wait for it to end, or run in another directory. The lock is " + path + "."};
  }
  if (holder.is_alive()) {
    return Error{"another furrow run (" + holder.who() + ") works in this directory", "", 0,
                 "Wait for it to end, or run in another directory."};
  }
  return Error{"jobs of a furrow run that was killed (" + holder.who() + ") have not ended yet", "", 0,
               "Wait for them to end, or end them yourself: they still hold " + path + "."};
}

int open_lock(const std::string& path) { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666); }

}  // namespace

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(has_jobs_, other.has_jobs_);
  std::swap(ended_, other.ended_);
  return *this;
}

// Closes the file without unlocking it: unlocking would take the lock from a watchdog that shares it.
FolderLock::~FolderLock() {
  if (fd_ < 0) return;
  if (has_jobs_) end_jobs(fd_);
  ::close(fd_);
}

Result<FolderLock> FolderLock::take(const std::string& path, double wait_s) {
  FolderLock lock(open_lock(path));
  if (lock.fd_ < 0) return furrow::fail(system_error("cannot open " + path));
  const double deadline = os::monotonic_seconds() + wait_s;
  while (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return furrow::fail(system_error("cannot lock " + path));
    // Read again each time: another run may have taken the lock, and may not have written its name yet.
    const RunMark holder = read_mark(lock.fd_);
    if ((holder.pid != 0 && holder.is_alive()) || os::monotonic_seconds() >= deadline)
      return furrow::fail(held_by(holder, path));
    const timespec pause{0, kPollNs};
    ::nanosleep(&pause, nullptr);
  }
  lock.ended_ = FURROW_TRY(end_jobs_of(read_mark(lock.fd_), kHowToForget));
  if (!write_mark(lock.fd_, RunMark::of_this_process({})))
    return furrow::fail(system_error("cannot write " + path));
  return lock;
}

Result<bool> FolderLock::forget_jobs(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return false;
  const FolderLock lock(open_lock(path));
  if (lock.fd_ < 0) return furrow::fail(system_error("cannot open " + path));
  const RunMark mark = read_mark(lock.fd_);
  if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) return furrow::fail(held_by(mark, path));
  if (mark.run.empty()) return false;
  end_jobs(lock.fd_);
  return true;
}

Result<void> FolderLock::begin_jobs(const std::string& run) {
  has_jobs_ = true;
  if (!write_mark(fd_, RunMark::of_this_process(run)))
    return furrow::fail(system_error("cannot write the lock of this directory"));
  return {};
}

void FolderLock::end_jobs(int fd) {
  RunMark mark = read_mark(fd);
  mark.run.clear();
  if (mark.pid != 0) (void)write_mark(fd, mark);
}

}  // namespace furrow::store
