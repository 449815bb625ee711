#include "os/files/spill.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace furrow::os {

namespace {

constexpr std::size_t kKeptCapacity = 16 * 1024;
constexpr std::int64_t kBufferBytes = 64 * 1024;

// The standard descriptors may be closed; a child must not find our file in their place.
int above_standard(int fd) {
  if (fd < 0 || fd > 2) return fd;
  const int above = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  ::close(fd);
  return above;
}

int open_somewhere(const std::string& folder) {
  const int fd = folder.empty() ? -1 : open_unlinked(folder);
  return fd < 0 ? open_unlinked("/tmp") : fd;
}

}  // namespace

int open_unlinked(const std::string& folder) {
  int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return above_standard(fd);
  std::string name = folder + "/output-XXXXXX";
  fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd >= 0) ::unlink(name.c_str());
  return above_standard(fd);
}

Spill::~Spill() {
  if (file_ >= 0) ::close(file_);
}

Spill::Spill(Spill&& other) noexcept : folder_(other.folder_) { *this = std::move(other); }

Spill& Spill::operator=(Spill&& other) noexcept {
  folder_ = other.folder_;
  std::swap(file_, other.file_);
  std::swap(file_size_, other.file_size_);
  std::swap(lost_, other.lost_);
  std::swap(memory_, other.memory_);
  return *this;
}

void Spill::append(std::string_view fragment) {
  if (memory_.size() + fragment.size() > kInMemory) move_to_file();
  memory_.append(fragment);
}

// What does not fit on a full disk is lost, and so is everything after it except the end: the order must not
// change.
void Spill::move_to_file() {
  std::string_view rest = memory_;
  if (file_ < 0 && lost_ == 0 && !rest.empty()) file_ = open_somewhere(*folder_);
  while (!rest.empty() && file_ >= 0 && lost_ == 0) {
    const ssize_t n = ::pwrite(file_, rest.data(), rest.size(), file_size_);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(n));
    file_size_ += n;
  }
  lost_ += static_cast<std::int64_t>(rest.size());
  memory_.clear();
}

void Spill::clear() {
  memory_.clear();
  if (memory_.capacity() > kKeptCapacity) memory_.shrink_to_fit();
  if (file_size_ > 0 && ::ftruncate(file_, 0) != 0) {
    ::close(file_);
    file_ = -1;
  }
  file_size_ = 0;
  lost_ = 0;
}

bool for_each_fragment(const SpillView& view, const std::function<bool(std::string_view fragment)>& use) {
  std::string buffer(static_cast<std::size_t>(std::min(kBufferBytes, view.file_size)), '\0');
  for (std::int64_t offset = 0; offset < view.file_size;) {
    const auto wanted = static_cast<std::size_t>(std::min(kBufferBytes, view.file_size - offset));
    const ssize_t n = ::pread(view.file, buffer.data(), wanted, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || !use({buffer.data(), static_cast<std::size_t>(n)})) return false;
    offset += n;
  }
  if (view.lost > 0 && !use("\n[... " + std::to_string(view.lost) + " bytes could not be kept ...]\n"))
    return false;
  return view.rest.empty() || use(view.rest);
}

}  // namespace furrow::os
