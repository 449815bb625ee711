#include "command/log/key_file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/hash.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"

namespace furrow::command {

namespace {

constexpr std::size_t kHeader = 64;
constexpr const char* kMagic = "furrow keys of a job log 1";
constexpr useconds_t kPollUs = 5000;

struct Record {
  std::uint64_t line;
  std::uint64_t key;
  std::uint64_t check;
};
static_assert(sizeof(Record) == 24);

std::uint64_t check_of(std::uint64_t line, std::uint64_t key) { return combine(combine(line, key), 24); }

// The engine that last held the file, from the file's header; 0 if none did.
int holder_of(int fd) {
  char text[kHeader + 1] = "";
  int pid = 0;
  if (::pread(fd, text, kHeader, 0) <= 0) return 0;
  return std::sscanf(text, "furrow keys of a job log 1\npid %d", &pid) == 1 ? pid : 0;
}

Error in_use(const std::string& path, int pid) {
  return Error{"another furrow map (pid " + std::to_string(pid) + ") uses this job log", "", 0,
               "Wait for it and its jobs to end, or name another log. The lock is on " + path + "."};
}

bool write_at_end(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

KeyFile& KeyFile::operator=(KeyFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(added_, other.added_);
  return *this;
}

// Only closes the file: unlocking it would take the lock from a watchdog that shares it.
KeyFile::~KeyFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<KeyFile> KeyFile::open(const std::string& path, double wait_s) {
  KeyFile file;
  file.path_ = path;
  file.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file.fd_ < 0) return furrow::fail(system_error("cannot open " + path));
  const double deadline = os::monotonic_seconds() + wait_s;
  while (::flock(file.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return furrow::fail(system_error("cannot lock " + path));
    const int pid = holder_of(file.fd_);
    const bool is_alive = pid > 0 && ::kill(pid, 0) == 0;
    if (is_alive || os::monotonic_seconds() > deadline) return furrow::fail(in_use(path, pid));
    ::usleep(kPollUs);
  }
  return file;
}

// The header is written separately, over the old one: the file is opened for appending.
Result<void> KeyFile::write_header() {
  char header[kHeader] = "";
  std::snprintf(header, sizeof header, "%s\npid %d\n", kMagic, static_cast<int>(::getpid()));
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  const bool written = fd >= 0 && ::pwrite(fd, header, sizeof header, 0) == sizeof header;
  const Error error = system_error("cannot write " + path_);
  if (fd >= 0) ::close(fd);
  if (!written) return furrow::fail(error);
  return {};
}

Result<void> KeyFile::clear() {
  if (::ftruncate(fd_, 0) != 0) return furrow::fail(system_error("cannot write " + path_));
  return write_header();
}

Result<std::unordered_map<std::uint64_t, std::uint64_t>> KeyFile::read() {
  auto text = FURROW_TRY(os::read_file(path_));
  std::unordered_map<std::uint64_t, std::uint64_t> keys;
  if (text.empty()) {
    FURROW_TRY(clear());
    return keys;
  }
  if (!text.starts_with(kMagic))
    return furrow::fail(
        Error{path_ + " holds no keys of a job log", "", 0, "Name another log, or remove it."});
  std::size_t good = std::min(kHeader, text.size());
  for (; good + sizeof(Record) <= text.size(); good += sizeof(Record)) {
    Record record;
    std::memcpy(&record, text.data() + good, sizeof record);
    if (record.check != check_of(record.line, record.key)) break;
    keys[record.line] = record.key;
  }
  if (good < text.size() && ::ftruncate(fd_, static_cast<off_t>(good)) != 0)
    return furrow::fail(system_error("cannot write " + path_));
  FURROW_TRY(write_header());
  return keys;
}

void KeyFile::add(std::string_view line, std::uint64_t key) {
  const std::uint64_t hash = line_hash(line);
  const Record record{hash, key, check_of(hash, key)};
  added_.append(reinterpret_cast<const char*>(&record), sizeof record);
}

Result<void> KeyFile::commit() {
  if (added_.empty()) return {};
  const bool written = write_at_end(fd_, added_);
  added_.clear();
  if (!written) return furrow::fail(system_error("cannot write " + path_));
  return {};
}

std::uint64_t KeyFile::line_hash(std::string_view line) { return hash64(line, 1); }

}  // namespace furrow::command
