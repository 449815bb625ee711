#include "cli/watch/job_memory.hpp"

#include <dirent.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/hash.hpp"
#include "os/process/proc_file.hpp"
#include "store/file_locks.hpp"

namespace furrow::cli {

namespace {

struct Figures {
  std::uint64_t started = 0;
  std::int64_t rss_kb = 0;
};

// Of /proc/PID/stat. The fields are counted from the end of the program's name, which may hold anything.
Figures figures_of(int proc, int pid) {
  bool is_readable = false;
  const std::string text = os::read_proc_file(proc, std::to_string(pid) + "/stat", is_readable);
  const char* at = std::strrchr(text.c_str(), ')');
  if (!at) return {};
  ++at;
  Figures figures;
  static const long kPage_kb = ::sysconf(_SC_PAGESIZE) / 1024;
  for (int field = 3; field <= 24; ++field) {
    at = std::strchr(at, ' ');
    if (!at) return {};
    ++at;
    if (field == 22) figures.started = std::strtoull(at, nullptr, 10);
    if (field == 24) figures.rss_kb = std::strtoll(at, nullptr, 10) * kPage_kb;
  }
  return figures;
}

}  // namespace

// The innermost job, if an engine is a job of another.
std::uint64_t JobMemory::job_of(int proc, int pid) const {
  bool is_readable = false;
  const std::string environment = os::read_proc_file(proc, std::to_string(pid) + "/environ", is_readable);
  if (!is_readable) return 0;  // of another user, or gone
  const std::string variable = std::string(store::OuterJob::kVariable) + "=";
  const std::string mark = run_ + ".";
  std::string_view left = environment;
  while (!left.empty()) {
    const std::string_view entry = left.substr(0, left.find('\0'));
    left.remove_prefix(std::min(left.size(), entry.size() + 1));
    if (!entry.starts_with(variable)) continue;
    const std::size_t at = entry.rfind(mark);
    if (at == std::string_view::npos) return 0;
    std::uint64_t job = 0;
    std::from_chars(entry.data() + at + mark.size(), entry.data() + entry.size(), job, 16);
    return job;
  }
  return 0;
}

void JobMemory::look() {
  kb_.clear();
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(::opendir("/proc"), ::closedir);
  if (!processes) return;
  const int proc = ::dirfd(processes.get());
  for (auto& [pid, known] : known_) known.is_there = false;
  while (const dirent* const entry = ::readdir(processes.get())) {
    const int pid = std::atoi(entry->d_name);
    if (pid <= 0) continue;
    const Figures figures = figures_of(proc, pid);
    if (figures.started == 0) continue;
    Known& known = known_[pid];
    known.is_there = true;
    // A process that has just been forked has the environment of its parent until it starts its program.
    if (known.started != figures.started || known.job == 0)
      known = {figures.started, job_of(proc, pid), true};
    if (known.job != 0) kb_[known.job] += figures.rss_kb;
  }
  std::erase_if(known_, [](const auto& one) { return !one.second.is_there; });
}

std::int64_t JobMemory::of(const std::string& key) const {
  const auto found = kb_.find(hash64(key));
  return found == kb_.end() ? 0 : found->second;
}

}  // namespace furrow::cli
