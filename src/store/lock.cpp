#include "store/lock.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <fstream>
#include <optional>
#include <sstream>

#include "os/events/clock.hpp"

namespace furrow::store {

namespace {

constexpr long kPollNs = 5'000'000;

// The lock file's text: "PID HOST SINCE STARTED". SINCE is in seconds since the epoch. STARTED is the
// kernel's start time of the process, which tells it from a later process with the same pid.
struct Holder {
  long pid = 0;
  std::string host;
  std::time_t since = 0;
  std::string started;
};

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name[0] != 0 ? name : "localhost";
}

// Field 22 of /proc/PID/stat. The fields are counted from the end of the program's name, which may contain
// spaces and parentheses. Empty if there is no such process.
std::string start_of(long pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::string line = text.str();
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  return field;
}

std::optional<Holder> read_holder(const std::string& path) {
  std::ifstream file(path);
  Holder holder;
  if (!(file >> holder.pid >> holder.host >> holder.since >> holder.started)) return std::nullopt;
  return holder;
}

bool write_holder(int fd) {
  const std::string text = std::to_string(::getpid()) + " " + host_name() + " " +
                           std::to_string(std::time(nullptr)) + " " + start_of(::getpid()) + "\n";
  return ::ftruncate(fd, 0) == 0 &&
         ::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

// A process on another host cannot be checked, so it counts as alive.
bool is_alive(const Holder& holder) {
  if (holder.host != host_name()) return true;
  if (::kill(static_cast<pid_t>(holder.pid), 0) != 0 && errno == ESRCH) return false;
  return start_of(holder.pid) == holder.started;
}

std::string clock_text(std::time_t when) {
  std::tm local{};
  ::localtime_r(&when, &local);
  char text[64];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

Error held_by(const std::optional<Holder>& holder, const std::string& path) {
  if (!holder) {
    return Error{"another furrow run works in this directory", "", 0,
                 "Wait for it to end, or run in another directory. The lock is " + path + "."};
  }
  const std::string who =
      "pid " + std::to_string(holder->pid) + " on " + holder->host + ", since " + clock_text(holder->since);
  if (is_alive(*holder)) {
    return Error{"another furrow run (" + who + ") works in this directory", "", 0,
                 "Wait for it to end, or run in another directory."};
  }
  return Error{"jobs of a furrow run that was killed (" + who + ") have not ended yet", "", 0,
               "Wait for them to end, or end them yourself: they still hold " + path + "."};
}

}  // namespace

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

// Closes the file without unlocking it: unlocking would take the lock from a watchdog that shares it.
FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FolderLock> FolderLock::take(const std::string& path, double wait_s) {
  FolderLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (lock.fd_ < 0) return furrow::fail(system_error("cannot open " + path));
  const double deadline = os::monotonic_seconds() + wait_s;
  while (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return furrow::fail(system_error("cannot lock " + path));
    // Read again each time: another run may have taken the lock, and may not have written its name yet.
    const std::optional<Holder> holder = read_holder(path);
    if ((holder && is_alive(*holder)) || os::monotonic_seconds() >= deadline)
      return furrow::fail(held_by(holder, path));
    const timespec pause{0, kPollNs};
    ::nanosleep(&pause, nullptr);
  }
  if (!write_holder(lock.fd_)) return furrow::fail(system_error("cannot write " + path));
  return lock;
}

}  // namespace furrow::store
