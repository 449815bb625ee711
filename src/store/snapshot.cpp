#include "store/snapshot.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>

#include "os/files/descriptor.hpp"

namespace furrow::store {

namespace {

constexpr int kTries = 100;
constexpr long kPauseNs = 5'000'000;
constexpr std::size_t kWalHeader = 32;

using os::Descriptor;

int open_file(const std::string& path, int flags) { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); }

// Tells one generation of the database from the next, by the header of the write-ahead log, whose salts
// change when the log starts over. If there is no log, by the time and size of the database itself.
struct Generation {
  std::array<char, kWalHeader> header{};
  bool has_log = false;
  std::int64_t mtime_ns = 0, size = 0;
  ino_t inode = 0;

  bool operator==(const Generation& other) const {
    if (has_log != other.has_log || inode != other.inode) return false;
    return has_log ? header == other.header : mtime_ns == other.mtime_ns && size == other.size;
  }
};

std::optional<Generation> generation_of(const std::string& database) {
  Generation generation;
  struct stat info;
  if (::stat(database.c_str(), &info) != 0) return std::nullopt;
  generation.inode = info.st_ino;
  generation.mtime_ns = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  generation.size = info.st_size;
  const Descriptor log(open_file(database + "-wal", O_RDONLY));
  if (log.get() >= 0) {
    const ssize_t n = ::pread(log.get(), generation.header.data(), kWalHeader, 0);
    generation.has_log = n == static_cast<ssize_t>(kWalHeader);
  }
  return generation;
}

Result<void> write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error("cannot copy the store to the folder for temporary files"));
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return {};
}

Result<void> copy(const std::string& from, const std::string& to) {
  const Descriptor in(open_file(from, O_RDONLY));
  if (in.get() < 0) return fail(system_error("cannot read " + from));
  const Descriptor out(open_file(to, O_WRONLY | O_CREAT | O_TRUNC));
  if (out.get() < 0) return fail(system_error("cannot make " + to));
  constexpr std::size_t kCopyBytes = 1 << 18;
  const auto buffer = std::make_unique_for_overwrite<char[]>(kCopyBytes);
  for (;;) {
    const ssize_t n = ::read(in.get(), buffer.get(), kCopyBytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error("cannot read " + from));
    if (n == 0) return {};
    FURROW_TRY(write_all(out.get(), buffer.get(), static_cast<std::size_t>(n)));
  }
}

Result<std::string> make_folder() {
  const char* base = std::getenv("TMPDIR");
  std::string name = std::string(base && *base ? base : "/tmp") + "/furrow-XXXXXX";
  if (!::mkdtemp(name.data())) return fail(system_error("cannot make a folder for temporary files: " + name));
  return name;
}

}  // namespace

Snapshot& Snapshot::operator=(Snapshot&& other) noexcept {
  std::swap(folder_, other.folder_);
  return *this;
}

Snapshot::~Snapshot() {
  if (folder_.empty()) return;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((database() + suffix).c_str());
  ::rmdir(folder_.c_str());
}

Result<Snapshot> Snapshot::empty() {
  Snapshot snapshot;
  snapshot.folder_ = FURROW_TRY(make_folder());
  return snapshot;
}

Result<Snapshot> Snapshot::take(const std::string& database) {
  auto folder = FURROW_TRY(make_folder());
  Snapshot snapshot;
  snapshot.folder_ = folder;
  for (int i = 0; i < kTries; ++i) {
    const std::optional<Generation> before = generation_of(database);
    if (!before) return fail(system_error("cannot read " + database));
    // In this order: pages that a checkpoint has moved into the database by now are also in the log, which is
    // copied after it.
    if (auto copied = copy(database, snapshot.database()); !copied) return fail(copied.error());
    ::unlink((snapshot.database() + "-wal").c_str());
    if (before->has_log) {
      auto copied = copy(database + "-wal", snapshot.database() + "-wal");
      if (!copied && ::access((database + "-wal").c_str(), F_OK) == 0) return fail(copied.error());
    }
    const std::optional<Generation> after = generation_of(database);
    if (after && *after == *before) return snapshot;
    const timespec pause{0, kPauseNs};
    ::nanosleep(&pause, nullptr);
  }
  return fail("the store " + database + " changes faster than it can be copied");
}

}  // namespace furrow::store
