#include "os/process/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
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

void add_listed_children(const std::string& tasks, pid_t thread, std::vector<pid_t>& children) {
  const auto text = contents(tasks + "/" + std::to_string(thread) + "/children");
  if (!text) return;
  for (const char* at = text->c_str(); *at;) {
    char* end = nullptr;
    const long child = std::strtol(at, &end, 10);
    if (end == at) break;
    children.push_back(static_cast<pid_t>(child));
    at = *end ? end + 1 : end;
  }
}

void add_listed_children(pid_t parent, std::vector<pid_t>& children) {
  const std::string tasks = "/proc/" + std::to_string(parent) + "/task";
  for_each_number_in(tasks, [&](int thread) { add_listed_children(tasks, thread, children); });
}

// The fields of a process's stat file from the third one on: its state, its parent, ...
std::optional<std::string> stat_fields(pid_t process) {
  const auto text = contents("/proc/" + std::to_string(process) + "/stat");
  const char* const name_end = text ? std::strrchr(text->c_str(), ')') : nullptr;
  if (!name_end) return std::nullopt;
  return std::string(name_end + 1);
}

// Every process and its parent.
std::vector<std::pair<pid_t, pid_t>> all_processes() {
  std::vector<std::pair<pid_t, pid_t>> all;
  for_each_number_in("/proc", [&](int process) {
    const auto fields = stat_fields(process);
    int parent = 0;
    if (fields && std::sscanf(fields->c_str(), " %*c %d", &parent) == 1) all.emplace_back(process, parent);
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

// Stops the descendants of ROOT, and returns them after it.
std::vector<pid_t> stopped_tree(pid_t root) {
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
  return tree;
}

std::int64_t now_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// When a process was started, in ticks since the system was booted; 0 if that cannot be read.
std::uint64_t start_of(pid_t process) {
  const auto fields = stat_fields(process);
  unsigned long long ticks = 0;
  constexpr const char* kFormat =
      " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu";
  return fields && std::sscanf(fields->c_str(), kFormat, &ticks) == 1 ? ticks : 0;
}

}  // namespace

void kill_tree(pid_t root) {
  ::kill(root, SIGSTOP);
  for (const pid_t each : stopped_tree(root)) ::kill(each, SIGKILL);
}

void kill_descendants(pid_t root) {
  const std::vector<pid_t> tree = stopped_tree(root);
  for (std::size_t i = 1; i < tree.size(); ++i) ::kill(tree[i], SIGKILL);
}

std::uint64_t start_ticks(std::int64_t monotonic_ns) {
  const std::int64_t since_boot = monotonic_ns + now_ns(CLOCK_BOOTTIME) - now_ns(CLOCK_MONOTONIC);
  const std::int64_t tick_ns = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  return static_cast<std::uint64_t>(since_boot / tick_ns);
}

std::vector<pid_t> children_of_thread(pid_t thread) {
  std::vector<pid_t> children;
  add_listed_children("/proc/self/task", thread, children);
  return children;
}

void kill_programs_of_thread(pid_t thread, std::uint64_t since, std::uint64_t until,
                             const std::vector<pid_t>& kept) {
  for (const pid_t child : children_of_thread(thread)) {
    const std::uint64_t start = start_of(child);
    if (start < since || start > until || std::find(kept.begin(), kept.end(), child) != kept.end()) continue;
    kill_tree(child);
  }
}

pid_t thread_id() noexcept {
  static std::atomic<unsigned> forks{1};  // in a forked child, where the thread has another number, one more
  thread_local unsigned known = 0;
  thread_local pid_t number = 0;
  if (known != forks.load(std::memory_order_relaxed)) {
    static const int watched = ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1); });
    static_cast<void>(watched);
    known = forks.load(std::memory_order_relaxed);
    number = static_cast<pid_t>(::syscall(SYS_gettid));
  }
  return number;
}

}  // namespace furrow::os
