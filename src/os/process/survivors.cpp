#include "os/process/survivors.hpp"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "os/process/job_cookie.hpp"
#include "os/process/proc_file.hpp"

namespace furrow::os {

namespace {

struct Process {
  int pid = 0, parent = 0, group = 0, session = 0;
  std::uint64_t started = 0;
  std::string name;
};

std::optional<Process> process_of(int proc, const char* pid) {
  bool is_readable = false;
  const std::string text = read_proc_file(proc, std::string(pid) + "/stat", is_readable);
  const std::size_t begin = text.find('('), end = text.rfind(')');  // the name may hold anything
  if (begin == std::string::npos || end == std::string::npos) return std::nullopt;
  Process process{.pid = std::atoi(pid), .name = text.substr(begin + 1, end - begin - 1)};
  char state = 0;
  unsigned long long started = 0;
  constexpr const char* kFields =
      " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu";
  if (std::sscanf(text.c_str() + end + 1, kFields, &state, &process.parent, &process.group, &process.session,
                  &started) != 5)
    return std::nullopt;
  if (state == 'Z' || state == 'X') return std::nullopt;
  process.started = started;
  return process;
}

std::map<int, Process> all_processes(int proc, DIR* folder) {
  std::map<int, Process> all;
  while (const dirent* const entry = ::readdir(folder)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    if (auto process = process_of(proc, entry->d_name)) all.emplace(process->pid, std::move(*process));
  }
  return all;
}

// What this process belongs to is not a survivor, even if a job of the dead run has started it.
void exclude_own(std::map<int, Process>& all) {
  for (int pid = ::getpid(); pid > 0;) {
    const auto found = all.find(pid);
    if (found == all.end()) return;
    pid = found->second.parent;
    all.erase(found);
  }
}

// Whether an environment is one that a shell hands on. A process of the run would then have the run's cookie, too.
bool is_whole(std::string_view environment) {
  return environment.find("PATH=") != std::string_view::npos &&
         environment.find("HOME=") != std::string_view::npos;
}

// Whether its parent has died, so that a process outside its session has taken its place. What a shell has started, as
// the user's next command with a number that was used before, has a parent in its session.
bool is_orphan(const Process& process, const std::map<int, int>& sessions) {
  const auto parent = sessions.find(process.parent);
  return parent == sessions.end() || parent->second != process.session;
}

enum class Kind : std::uint8_t { kOther, kMember, kPossible, kCertain };

// kMember: of one of the run's groups, if that group is certain.
Kind kind_of(const Process& process, int proc, const DeadRun& run, const std::vector<int>& groups,
             const std::map<int, int>& sessions) {
  const bool in_group = std::binary_search(groups.begin(), groups.end(), process.group);
  bool is_readable = false;
  const std::string environment = read_proc_file(proc, std::to_string(process.pid) + "/environ", is_readable);
  if (const auto tag = tag_in(environment, run.id)) {
    const bool counts = run.table == nullptr || in_group || *tag == kTagWithoutSlot ||
                        (*tag != kTagOfEvaluator && run.table->is_running(*tag));
    return counts ? Kind::kCertain : Kind::kOther;
  }
  if (!in_group || process.session != run.session || process.started < run.started) return Kind::kOther;
  if (is_readable && is_whole(environment)) return Kind::kMember;
  return is_readable && is_orphan(process, sessions) ? Kind::kCertain : Kind::kPossible;
}

}  // namespace

Survivors find_survivors(const DeadRun& run) {
  Survivors found;
  DIR* const folder = ::opendir("/proc");
  if (folder == nullptr) return found;
  const int proc = ::dirfd(folder);
  const std::vector<int> groups = run.table == nullptr ? std::vector<int>() : run.table->groups();
  std::map<int, Process> all = all_processes(proc, folder);
  std::map<int, int> sessions;
  for (const auto& [pid, process] : all) sessions[pid] = process.session;
  exclude_own(all);
  std::map<int, Kind> kinds;
  std::set<int> certain_groups;
  for (const auto& [pid, process] : all) {
    const Kind kind = kinds[pid] = kind_of(process, proc, run, groups, sessions);
    if (kind == Kind::kCertain && std::binary_search(groups.begin(), groups.end(), process.group))
      certain_groups.insert(process.group);
  }
  ::closedir(folder);
  for (const auto& [pid, kind] : kinds) {
    const Process& process = all.at(pid);
    if (kind == Kind::kCertain || (kind != Kind::kOther && certain_groups.contains(process.group))) {
      found.certain.push_back({pid, process.name});
    } else if (kind == Kind::kPossible) {
      found.possible.push_back({pid, process.name});
    }
  }
  return found;
}

void kill_all(const std::vector<Survivor>& survivors) {
  for (const Survivor& survivor : survivors) ::kill(survivor.pid, SIGKILL);
}

std::string names_of(const std::vector<Survivor>& survivors) {
  constexpr std::size_t kMost = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(kMost, survivors.size()); ++i)
    text += (i > 0 ? ", " : "") + std::to_string(survivors[i].pid) + " (" + survivors[i].name + ")";
  if (survivors.size() > kMost) text += " and " + std::to_string(survivors.size() - kMost) + " more";
  return text;
}

}  // namespace furrow::os
