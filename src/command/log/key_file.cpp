#include "command/log/key_file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/hash.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/files/sync_folder.hpp"
#include "os/files/write_all.hpp"
#include "store/run_mark.hpp"

namespace furrow::command {

namespace {

// Version 1, which is still read and continued, names only the pid of its holder, not the holder's jobs. Version 2 had
// no marks; it becomes version 3.
constexpr std::string_view kFirstVersion = "furrow keys of a job log 1\n",
                           kSecondVersion = "furrow keys of a job log 2\n",
                           kVersion = "furrow keys of a job log 3\n";
// Records of these lines are marks: their keys are the size of a log, and the hash of a boot's id.
constexpr std::uint64_t kSizeMark = ~std::uint64_t{0}, kBootMark = kSizeMark - 1;
constexpr std::size_t kFirstHeader = 64, kHeader = 512;
constexpr useconds_t kPollUs = 5000;

struct Record {
  std::uint64_t line;
  std::uint64_t key;
  std::uint64_t check;
};
static_assert(sizeof(Record) == 24);

std::uint64_t check_of(std::uint64_t line, std::uint64_t key) { return combine(combine(line, key), 24); }

std::string record_of(std::uint64_t line, std::uint64_t key) {
  const Record record{line, key, check_of(line, key)};
  return {reinterpret_cast<const char*>(&record), sizeof record};
}

bool has_jobs_header(std::string_view text) {
  return text.starts_with(kVersion) || text.starts_with(kSecondVersion);
}

bool is_of_later_version(std::string_view text) {
  constexpr std::string_view kAnyVersion = kVersion.substr(0, kVersion.size() - 2);
  return text.starts_with(kAnyVersion) && text.size() > kAnyVersion.size() &&
         text[kAnyVersion.size()] > '3' && text[kAnyVersion.size()] <= '9';
}

// Never that of an unknown boot.
std::uint64_t this_boot() {
  const std::string boot = store::boot_id();
  return boot == "-" ? 0 : hash64(boot);
}

bool is_first_version(int fd) {
  char text[kFirstVersion.size()];
  return ::pread(fd, text, sizeof text, 0) == static_cast<ssize_t>(sizeof text) &&
         std::string_view(text, sizeof text) == kFirstVersion;
}

// The engine that last held the file, from the file's header.
store::RunMark holder_of(int fd) {
  char text[kHeader + 1] = "";
  store::RunMark none;
  if (::pread(fd, text, kHeader, 0) <= 0) return none;
  const std::string_view header(text);
  if (has_jobs_header(header)) return store::RunMark::from(std::string(header.substr(kVersion.size())));
  std::sscanf(text, "furrow keys of a job log 1\npid %ld", &none.pid);
  return none;
}

Error in_use(const std::string& path, long pid) {
  return Error{"another furrow map (pid " + std::to_string(pid) + ") uses this job log", "", 0,
               "Wait for it and its jobs to end, or name another log. The lock is on " + path + "."};
}

// Written separately from the records, over the old header. FD is not open for appending.
bool write_mark(int fd, const store::RunMark& mark) {
  if (is_first_version(fd)) {
    char header[kFirstHeader] = "";
    std::snprintf(header, sizeof header, "%s\npid %ld\n",
                  kFirstVersion.substr(0, kFirstVersion.size() - 1).data(), mark.pid);
    return ::pwrite(fd, header, sizeof header, 0) == static_cast<ssize_t>(sizeof header);
  }
  std::string header = std::string(kVersion) + mark.text();
  header.resize(kHeader, '\0');
  return ::pwrite(fd, header.data(), header.size(), 0) == static_cast<ssize_t>(header.size());
}

}  // namespace

KeyFile& KeyFile::operator=(KeyFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(mark_fd_, other.mark_fd_);
  std::swap(has_jobs_, other.has_jobs_);
  std::swap(keeps_mark_, other.keeps_mark_);
  std::swap(other_lock_, other.other_lock_);
  std::swap(ended_, other.ended_);
  std::swap(path_, other.path_);
  std::swap(added_, other.added_);
  std::swap(marked_log_size_, other.marked_log_size_);
  std::swap(is_of_other_boot_, other.is_of_other_boot_);
  return *this;
}

// Only closes the file: unlocking it would take the lock from a watchdog that shares it.
KeyFile::~KeyFile() {
  if (has_jobs_) end_jobs(mark_fd_);
  if (mark_fd_ >= 0) ::close(mark_fd_);
  if (fd_ >= 0) ::close(fd_);
}

Result<KeyFile> KeyFile::open(const std::string& path, double wait_s, bool only_reads) {
  KeyFile file;
  file.path_ = path;
  file.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file.fd_ < 0) return furrow::fail(system_error("cannot open " + path));
  const double deadline = os::monotonic_seconds() + wait_s;
  while (::flock(file.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (store::Hold::is_missing(errno)) {
      FURROW_TRY(file.take_other_lock(wait_s));
      break;
    }
    if (errno != EWOULDBLOCK) return furrow::fail(system_error("cannot lock " + path));
    const store::RunMark holder = holder_of(file.fd_);
    const bool is_alive = holder.host.empty()
                              ? holder.pid > 0 && ::kill(static_cast<pid_t>(holder.pid), 0) == 0
                              : holder.is_alive();
    if (is_alive || os::monotonic_seconds() > deadline) return furrow::fail(in_use(path, holder.pid));
    ::usleep(kPollUs);
  }
  // pwrite() to a file that is open for appending would append.
  file.mark_fd_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file.mark_fd_ < 0) return furrow::fail(system_error("cannot open " + path));
  file.keeps_mark_ = only_reads;
  if (!only_reads) file.ended_ = FURROW_TRY(store::end_jobs_of(holder_of(file.fd_), "remove " + path));
  return file;
}

// For a file system without flock.
Result<void> KeyFile::take_other_lock(double wait_s) {
  store::RunMark holder;
  auto lock = FURROW_TRY(store::FolderLock::take_unless_alive(path_ + ".lock", wait_s, holder));
  if (!lock) return furrow::fail(in_use(path_, holder.pid));
  other_lock_ = std::move(*lock);
  return {};
}

Result<void> KeyFile::write_header() {
  if (keeps_mark_ && holder_of(fd_).pid != 0) return {};
  if (!write_mark(mark_fd_, store::RunMark::of_this_process({})))
    return furrow::fail(system_error("cannot write " + path_));
  return {};
}

Result<void> KeyFile::begin_jobs(const std::string& run, std::int64_t log_size, int watchdog) {
  has_jobs_ = true;
  if (other_lock_.fd() >= 0) {
    FURROW_TRY(other_lock_.begin_jobs(run, watchdog));
  }
  const auto size = static_cast<std::uint64_t>(log_size);
  const std::string marks =
      (marked_log_size_ ? "" : record_of(kSizeMark, size)) + record_of(kBootMark, this_boot());
  if (!is_first_version(fd_) && !os::write_all(fd_, marks))
    return furrow::fail(system_error("cannot write " + path_));
  if (!write_mark(mark_fd_, store::RunMark::of_this_process(run)))
    return furrow::fail(system_error("cannot write " + path_));
  ::fdatasync(fd_);
  os::sync_folder(os::parent_of(path_));
  return {};
}

int KeyFile::open_for_marks() const { return ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC); }

void KeyFile::add_mark(int marks, std::int64_t log_size) {
  if (os::write_all(marks, record_of(kSizeMark, static_cast<std::uint64_t>(log_size)))) ::fdatasync(marks);
}

void KeyFile::end_jobs(int fd) {
  store::RunMark mark = holder_of(fd);
  mark.run.clear();
  if (mark.pid != 0) (void)write_mark(fd, mark);
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
  if (is_of_later_version(text))
    return furrow::fail(Error{path_ + " was written by a newer furrow", "", 0,
                              "Use the newer program, name another log, or remove both files."});
  if (!has_jobs_header(text) && !text.starts_with(kFirstVersion))
    return furrow::fail(
        Error{path_ + " holds no keys of a job log", "", 0, "Name another log, or remove it."});
  std::size_t good = std::min(has_jobs_header(text) ? kHeader : kFirstHeader, text.size());
  std::uint64_t boot = 0;
  for (; good + sizeof(Record) <= text.size(); good += sizeof(Record)) {
    Record record;
    std::memcpy(&record, text.data() + good, sizeof record);
    if (record.check != check_of(record.line, record.key)) break;
    if (record.line == kSizeMark) {
      marked_log_size_ = static_cast<std::int64_t>(record.key);
    } else if (record.line == kBootMark) {
      boot = record.key;
    } else {
      keys[record.line] = record.key;
    }
  }
  is_of_other_boot_ = boot == 0 || boot != this_boot();
  if (good < text.size() && !keeps_mark_ && ::ftruncate(fd_, static_cast<off_t>(good)) != 0)
    return furrow::fail(system_error("cannot write " + path_));
  FURROW_TRY(write_header());
  return keys;
}

void KeyFile::add(std::string_view line, std::uint64_t key) { added_ += record_of(line_hash(line), key); }

Result<void> KeyFile::commit() {
  if (added_.empty()) return {};
  const bool written = os::write_all(fd_, added_);
  added_.clear();
  if (!written) return furrow::fail(system_error("cannot write " + path_));
  return {};
}

std::uint64_t KeyFile::line_hash(std::string_view line) { return std::min(hash64(line, 1), kBootMark - 1); }

}  // namespace furrow::command
