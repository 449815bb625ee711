#include "os/process/job_table.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace furrow::os {

namespace {

constexpr std::size_t kColumn = JobTable::kSlots * sizeof(std::atomic<std::int32_t>);
constexpr std::size_t kBytes = 2 * kColumn;

std::string path_of(const std::string& run) { return "/dev/shm/furrow-jobs-" + run; }

// In a file system in memory, so that the file can be given a name later. Another user of the folder must be able to
// read it, to see whether jobs still run.
int new_file() {
  const int fd = ::open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
  if (fd < 0) return ::memfd_create("furrow-jobs", MFD_CLOEXEC);
  (void)::fchmod(fd, 0644);
  return fd;
}

}  // namespace

JobTable::JobTable(int fd, void* memory)
    : fd_(fd),
      groups_(static_cast<std::atomic<std::int32_t>*>(memory)),
      uses_(reinterpret_cast<std::atomic<std::uint32_t>*>(static_cast<char*>(memory) + kColumn)) {}

Result<std::unique_ptr<JobTable>> JobTable::create() {
  const int fd = new_file();
  void* memory = MAP_FAILED;
  if (fd >= 0 && ::ftruncate(fd, kBytes) == 0)
    memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory != MAP_FAILED) return std::unique_ptr<JobTable>(new JobTable(fd, memory));
  const Error error = system_error("cannot make the table of jobs");
  if (fd >= 0) ::close(fd);
  return fail(error);
}

void JobTable::publish(const std::string& run) const {
  const std::string file = "/proc/self/fd/" + std::to_string(fd_);
  (void)::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, path_of(run).c_str(), AT_SYMLINK_FOLLOW);
}

std::unique_ptr<JobTable> JobTable::open(const std::string& run) {
  if (run.empty()) return nullptr;
  const int fd = ::open(path_of(run).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return nullptr;
  struct stat info {};
  const bool is_whole = ::fstat(fd, &info) == 0 && info.st_size == static_cast<off_t>(kBytes);
  void* const memory = is_whole ? ::mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (memory != MAP_FAILED) return std::unique_ptr<JobTable>(new JobTable(fd, memory));
  ::close(fd);
  return nullptr;
}

void JobTable::remove(const std::string& run) {
  if (!run.empty()) ::unlink(path_of(run).c_str());
}

JobTable::~JobTable() {
  ::munmap(groups_, kBytes);
  ::close(fd_);
}

std::vector<int> JobTable::groups() const {
  std::vector<int> found;
  for (std::uint32_t i = 0; i < kSlots; ++i) {
    const int group = groups_[i].load(std::memory_order_seq_cst);
    if (group > 1) found.push_back(group);
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool JobTable::is_running(std::uint64_t tag) const {
  const auto slot = static_cast<std::uint32_t>(tag);
  return slot < kSlots && groups_[slot] != 0 && uses_[slot] == static_cast<std::uint32_t>(tag >> 32);
}

}  // namespace furrow::os
