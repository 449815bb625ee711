#include "os/process/marked_processes.hpp"

#include <dirent.h>
#include <signal.h>

#include <cstdlib>

#include "os/process/proc_file.hpp"

namespace furrow::os {

namespace {

bool has_entry(std::string_view environment, std::string_view entry) {
  for (std::size_t at = environment.find(entry); at != std::string_view::npos;
       at = environment.find(entry, at + 1)) {
    const std::size_t end = at + entry.size();
    if ((at == 0 || environment[at - 1] == '\0') && (end == environment.size() || environment[end] == '\0'))
      return true;
  }
  return false;
}

}  // namespace

std::vector<std::vector<int>> marked_processes(const std::vector<std::string_view>& marks) {
  std::vector<std::vector<int>> found(marks.size());
  DIR* const folder = marks.empty() ? nullptr : ::opendir("/proc");
  bool is_readable = false;
  while (const dirent* const entry = folder == nullptr ? nullptr : ::readdir(folder)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    // Empty for a zombie, and if it may not be read.
    const std::string environment =
        read_proc_file(::dirfd(folder), std::string(entry->d_name) + "/environ", is_readable);
    for (std::size_t i = 0; i < marks.size(); ++i)
      if (has_entry(environment, marks[i])) found[i].push_back(std::atoi(entry->d_name));
  }
  if (folder != nullptr) ::closedir(folder);
  return found;
}

bool signal_marked(std::string_view mark, int signal) {
  const std::vector<int> pids = marked_processes({mark}).front();
  for (const int pid : pids) ::kill(pid, signal);
  return !pids.empty();
}

}  // namespace furrow::os
