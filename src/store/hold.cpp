#include "store/hold.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

#include "os/files/files.hpp"
#include "os/files/write_all.hpp"

namespace furrow::store {

namespace {

constexpr std::size_t kLongest = 1024;
constexpr int kTries = 100;

// The numbers of the files PATH.N.
std::vector<std::uint64_t> epochs_of(const std::string& path) {
  std::vector<std::uint64_t> epochs;
  const std::string folder = os::parent_of(path);
  const std::string name = path.substr(path.rfind('/') + 1) + ".";
  const auto entries = os::list_directory(folder.empty() ? "." : folder);
  if (!entries) return epochs;
  for (const os::DirectoryEntry& entry : *entries) {
    std::uint64_t epoch = 0;
    if (!entry.name.starts_with(name)) continue;
    const char* const end = entry.name.data() + entry.name.size();
    if (std::from_chars(entry.name.data() + name.size(), end, epoch).ptr == end && epoch > 0)
      epochs.push_back(epoch);
  }
  return epochs;
}

// Creates FILE with TEXT at once, or not at all. A file system without links makes it empty for a moment.
int create_whole(const std::string& file, const std::string& text) {
  const std::string fresh = file + "." + std::to_string(::getpid()) + ".new";
  const int fd = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return -1;
  int error = os::write_all(fd, text) && ::link(fresh.c_str(), file.c_str()) == 0 ? 0 : errno;
  ::unlink(fresh.c_str());
  if (error == 0) return fd;
  ::close(fd);
  int plain = -1;
  if (error == EPERM || error == ENOTSUP || error == EOPNOTSUPP || error == ENOSYS) {
    plain = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (plain >= 0 && os::write_all(plain, text)) return plain;
    error = errno;
    if (plain >= 0) ::close(plain);
  }
  errno = error;
  return -1;
}

}  // namespace

bool Hold::is_missing(int error) {
  return error == ENOSYS || error == ENOTSUP || error == EOPNOTSUPP || error == ENOLCK || error == EINVAL;
}

Hold& Hold::operator=(Hold&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(text_, other.text_);
  std::swap(epoch_, other.epoch_);
  std::swap(fd_, other.fd_);
  std::swap(is_taken_, other.is_taken_);
  return *this;
}

Hold::~Hold() {
  if (fd_ >= 0) ::close(fd_);
}

std::string Hold::read(int fd) {
  char text[kLongest];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  return {text, static_cast<std::size_t>(n > 0 ? n : 0)};
}

// First written, then cut off: at each moment the file names a holder.
bool Hold::write(int fd, const std::string& text) {
  return ::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
         ::ftruncate(fd, static_cast<off_t>(text.size())) == 0;
}

Result<Hold> Hold::attempt(const std::string& path, const OwnText& own_text, const IsHeld& is_held) {
  Hold hold;
  hold.path_ = path;
  hold.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (hold.fd_ < 0) return fail(system_error("cannot open " + path));
  int code = 0;
  do code = ::flock(hold.fd_, LOCK_EX | LOCK_NB);
  while (code != 0 && errno == EINTR);
  if (code != 0 && is_missing(errno)) {
    for (int i = 0; i < kTries; ++i) {
      if (FURROW_TRY(hold.attempt_epoch(own_text, is_held))) return hold;
    }
    return fail("cannot lock " + path + ": too many others try to");
  }
  if (code != 0 && errno != EWOULDBLOCK) return fail(system_error("cannot lock " + path));
  hold.text_ = read(hold.fd_);
  hold.is_taken_ = code == 0;
  return hold;
}

// True if it is decided: taken, or held by another. False if another was quicker.
Result<bool> Hold::attempt_epoch(const OwnText& own_text, const IsHeld& is_held) {
  const std::vector<std::uint64_t> epochs = epochs_of(path_);
  epoch_ = 0;
  for (const std::uint64_t epoch : epochs) epoch_ = std::max(epoch_, epoch);
  if (epoch_ > 0) {
    const int current = ::open(file().c_str(), O_RDWR | O_CLOEXEC);
    if (current < 0 && errno == ENOENT) return false;
    if (current < 0) return fail(system_error("cannot open " + file()));
    text_ = read(current);
    ::close(current);
    if (!text_.empty() && is_held(text_)) return true;
  }
  ++epoch_;
  const int fd = create_whole(file(), own_text());
  if (fd < 0 && errno == EEXIST) return false;
  if (fd < 0) return fail(system_error("cannot make " + file()));
  ::close(std::exchange(fd_, fd));
  is_taken_ = true;
  for (const std::uint64_t epoch : epochs) ::unlink((path_ + "." + std::to_string(epoch)).c_str());
  return true;
}

bool Hold::is_still_taken() const {
  if (has_flock()) return true;
  struct stat own {
  }, named{};
  return ::fstat(fd_, &own) == 0 && ::stat(file().c_str(), &named) == 0 && own.st_ino == named.st_ino &&
         own.st_dev == named.st_dev;
}

}  // namespace furrow::store
