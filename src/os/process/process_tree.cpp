#include "os/process/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace furrow::os {

namespace {

constexpr int kRounds = 100;  // for programs that start others as fast as they are found

std::optional<std::string> contents(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  char part[4096];
  for (ssize_t n; (n = ::read(fd, part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
  ::close(fd);
  return text;
}

template <class Use>
void for_each_number_in(const std::string& folder, const Use& use) {
  DIR* const open = ::opendir(folder.c_str());
  if (!open) return;
  while (const dirent* const entry = ::readdir(open))
    if (const int number = std::atoi(entry->d_name); number > 0) use(number);
  ::closedir(open);
}

// Not all kernels have these lists.
bool lists_children() {
  const std::string self = std::to_string(::getpid());
  return ::access(("/proc/" + self + "/task/" + self + "/children").c_str(), F_OK) == 0;
}

void add_listed_children(pid_t parent, std::vector<pid_t>& children) {
  const std::string tasks = "/proc/" + std::to_string(parent) + "/task";
  for_each_number_in(tasks, [&](int thread) {
    const auto text = contents(tasks + "/" + std::to_string(thread) + "/children");
    if (!text) return;
    for (const char* at = text->c_str(); *at;) {
      char* end = nullptr;
      const long child = std::strtol(at, &end, 10);
      if (end == at) break;
      children.push_back(static_cast<pid_t>(child));
      at = *end ? end + 1 : end;
    }
  });
}

// Every process and its parent.
std::vector<std::pair<pid_t, pid_t>> all_processes() {
  std::vector<std::pair<pid_t, pid_t>> all;
  for_each_number_in("/proc", [&](int process) {
    const auto text = contents("/proc/" + std::to_string(process) + "/stat");
    const char* const name_end = text ? std::strrchr(text->c_str(), ')') : nullptr;
    int parent = 0;
    if (name_end && std::sscanf(name_end + 1, " %*c %d", &parent) == 1) all.emplace_back(process, parent);
  });
  return all;
}

std::vector<pid_t> children_of(const std::vector<pid_t>& parents) {
  std::vector<pid_t> children;
  if (lists_children()) {
    for (const pid_t each : parents) add_listed_children(each, children);
    return children;
  }
  for (const auto& [process, parent] : all_processes())
    if (std::find(parents.begin(), parents.end(), parent) != parents.end()) children.push_back(process);
  return children;
}

}  // namespace

void kill_tree(pid_t root) {
  ::kill(root, SIGSTOP);
  std::vector<pid_t> tree{root};
  for (int round = 0; round < kRounds; ++round) {
    const std::size_t known = tree.size();
    for (const pid_t child : children_of(tree)) {
      if (std::find(tree.begin(), tree.end(), child) != tree.end()) continue;
      ::kill(child, SIGSTOP);
      tree.push_back(child);
    }
    if (tree.size() == known) break;
  }
  for (const pid_t each : tree) ::kill(each, SIGKILL);
}

}  // namespace furrow::os
