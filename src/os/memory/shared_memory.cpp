#include "os/memory/shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "os/cores/control_group.hpp"
#include "os/files/files.hpp"

namespace furrow::os {

namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kLarge = std::size_t{64} << 20;  // from this size on, check how much memory is left

std::string in_mib(std::size_t bytes) {
  if (bytes < kHugePage) return std::to_string(bytes) + " bytes";
  return std::to_string(bytes >> 20) + " MiB";
}

Error no_memory(std::size_t size, int code) {
  errno = code;
  Error error = system_error("cannot get " + in_mib(size) + " of shared memory");
  if (code == ENOMEM || code == EFAULT || code == ENOSPC) {
    error.message = "there is not enough memory for " + in_mib(size) + " shared between processes";
    error.hint =
        "Free some memory, raise the limit of this process or its container, or work on less data at once.";
  }
  return error;
}

// SIZE rounded up to whole pages; 0 if that overflows.
std::size_t in_pages(std::size_t size) {
  const std::size_t page = page_size();
  return (std::max<std::size_t>(size, 1) + page - 1) / page * page;
}

// The kernel promises more memory than it has, and kills a process that uses it all. So large sizes are
// compared with what is free now; false if that is unknown.
bool is_too_much(std::size_t size) {
  if (size < kLarge) return false;
  if (const auto limit = memory_limit(); limit && size > *limit) return true;
  const Result<std::string> text = read_file("/proc/meminfo");
  if (!text) return false;
  std::size_t kilobytes = 0;
  for (const char* name : {"MemAvailable:", "SwapFree:"}) {
    const std::size_t at = text->find(name);
    if (at == std::string::npos) return false;
    kilobytes += std::strtoull(text->c_str() + at + std::strlen(name), nullptr, 10);
  }
  return size / 1024 > kilobytes;
}

}  // namespace

std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      fd_(std::exchange(other.fd_, -1)) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

SharedMemory::~SharedMemory() { release(); }

void SharedMemory::release() {
  if (data_) ::munmap(data_, size_);
  if (fd_ >= 0) ::close(fd_);
}

// Takes ownership of FD, also if it fails.
Result<SharedMemory> SharedMemory::map(std::size_t size, int fd) {
  const int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
  void* const address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (address == MAP_FAILED) {
    const int code = errno;
    if (fd >= 0) ::close(fd);
    return fail(no_memory(size, code));
  }
  if (size >= kHugePage) (void)::madvise(address, size, MADV_HUGEPAGE);  // only a hint
  return SharedMemory(static_cast<std::byte*>(address), size, fd);
}

Result<SharedMemory> SharedMemory::create(std::size_t size) {
  const std::size_t whole = in_pages(size);
  if (whole < size || is_too_much(whole)) return fail(no_memory(size, ENOMEM));
  return map(whole, -1);
}

Result<SharedMemory> SharedMemory::with_descriptor(std::size_t size) {
  const std::size_t whole = in_pages(size);
  if (whole < size || is_too_much(whole)) return fail(no_memory(size, ENOMEM));
  const int fd = ::memfd_create("furrow", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return fail(system_error("cannot make shared memory"));
  if (::ftruncate(fd, static_cast<off_t>(whole)) != 0) {
    const int code = errno;
    ::close(fd);
    return fail(no_memory(size, code));
  }
  // If one process shrank the memory, the others would be killed at their next access.
  (void)::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return map(whole, fd);
}

Result<SharedMemory> SharedMemory::attach(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail(system_error("cannot look at shared memory"));
  if (status.st_size <= 0) return fail("descriptor " + std::to_string(fd) + " is not shared memory");
  const int own = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0) return fail(system_error("cannot keep shared memory"));
  return map(static_cast<std::size_t>(status.st_size), own);
}

Result<void> SharedMemory::populate(std::size_t offset, std::size_t size) const {
  if (offset >= size_ || size == 0) return {};
  const std::size_t page = page_size(), first = offset / page * page;
  const std::size_t last = offset + std::min(size, size_ - offset);
  const std::size_t length = (last - first + page - 1) / page * page;
  int done;
  do done = ::madvise(data_ + first, length, MADV_POPULATE_WRITE);
  while (done != 0 && (errno == EINTR || errno == EAGAIN));
  if (done == 0 || errno == EINVAL) return {};
  return fail(no_memory(length, errno));
}

}  // namespace furrow::os
