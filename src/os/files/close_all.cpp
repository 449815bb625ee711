#include "os/files/close_all.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace furrow::os {

namespace {

// Sorted; all numbers that are possible if /proc is missing.
std::vector<int> open_descriptors() {
  std::vector<int> all;
  if (DIR* const folder = ::opendir("/proc/self/fd")) {
    while (const dirent* const entry = ::readdir(folder)) all.push_back(std::atoi(entry->d_name));
    ::closedir(folder);
    return all;
  }
  constexpr int kMost = 1 << 20;
  rlimit limit{};
  const bool is_known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < kMost;
  for (int fd = 3; fd < (is_known ? static_cast<int>(limit.rlim_max) : kMost); ++fd) all.push_back(fd);
  return all;
}

bool close_ranges(const std::vector<int>& kept) {
  unsigned first = 3;
  for (const int fd : kept) {
    if (fd < static_cast<int>(first)) continue;
    if (static_cast<unsigned>(fd) > first && ::close_range(first, static_cast<unsigned>(fd) - 1, 0) != 0)
      return false;
    first = static_cast<unsigned>(fd) + 1;
  }
  return ::close_range(first, ~0u, 0) == 0;
}

}  // namespace

void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  if (close_ranges(kept)) return;
  for (const int fd : open_descriptors()) {
    if (fd > 2 && !std::binary_search(kept.begin(), kept.end(), fd)) ::close(fd);
  }
}

}  // namespace furrow::os
