#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "os/process/process.hpp"

namespace furrow::os {

namespace {

// The group of a process; 0 if the process is a zombie or gone.
int group_of_living(int proc, const char* pid) {
  const int fd = ::openat(proc, (std::string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[512];
  const ssize_t n = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (n <= 0) return 0;
  text[n] = '\0';
  const char* const name_end = std::strrchr(text, ')');  // a program's name may hold anything
  char state = 0;
  int parent = 0, group = 0;
  if (name_end == nullptr || std::sscanf(name_end + 1, " %c %d %d", &state, &parent, &group) != 3) return 0;
  return state == 'Z' || state == 'X' ? 0 : group;
}

}  // namespace

bool signal_group(int group, int signal) {
  if (group <= 1 || ::kill(-group, signal) != 0) return false;  // kill(-1) would reach everything
  if (signal != SIGKILL && signal != 0) ::kill(-group, SIGCONT);
  return true;
}

bool group_exists(int group) { return group > 1 && (::kill(-group, 0) == 0 || errno == EPERM); }

std::vector<int> living_groups(std::vector<int> groups) {
  std::erase_if(groups, [](int group) { return !group_exists(group); });
  DIR* const proc = groups.empty() ? nullptr : ::opendir("/proc");
  std::vector<int> found;
  while (const dirent* const entry = proc == nullptr ? nullptr : ::readdir(proc)) {
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
      found.push_back(group_of_living(::dirfd(proc), entry->d_name));
  }
  std::sort(groups.begin(), groups.end());
  if (proc == nullptr) return groups;  // without /proc, count them all as alive
  ::closedir(proc);
  std::sort(found.begin(), found.end());
  std::erase_if(groups, [&](int group) { return !std::binary_search(found.begin(), found.end(), group); });
  return groups;
}

}  // namespace furrow::os
