#include "os/cores/control_group.hpp"

#include <algorithm>
#include <cstdio>

#include "base/strings.hpp"
#include "os/files/files.hpp"

namespace furrow::os {

namespace {

std::optional<long> number_in(const std::string& path) {
  const Result<std::string> text = read_file(path);
  long value = 0;
  if (!text || std::sscanf(text->c_str(), "%ld", &value) != 1) return std::nullopt;
  return value;
}

std::optional<double> quota_v2(const std::string& folder) {
  const Result<std::string> text = read_file(folder + "/cpu.max");
  double quota = 0, period = 0;
  if (!text || std::sscanf(text->c_str(), "%lf %lf", &quota, &period) != 2 || quota <= 0 || period <= 0)
    return std::nullopt;  // "max 100000"
  return quota / period;
}

std::optional<double> quota_v1(const std::string& folder) {
  const auto quota = number_in(folder + "/cpu.cfs_quota_us");
  const auto period = number_in(folder + "/cpu.cfs_period_us");
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::vector<int> list_in(const std::string& path) {
  const Result<std::string> text = read_file(path);
  return text ? parse_cpu_list(*text) : std::vector<int>();
}

// Calls LOOK(folder) for a group's folder, then for each enclosing one, until LOOK returns true. In a
// container the group's own folder may be missing; the root of the mount exists.
template <class Look>
void climb(const std::string& mount, std::string group, Look look) {
  for (;;) {
    while (!group.empty() && group.back() == '/') group.pop_back();
    if (look(mount + group) || group.empty()) return;
    group = parent_of(group);
  }
}

// Calls USE(mount, group, version) for each hierarchy that has CONTROLLER.
template <class Use>
void each_hierarchy(const std::string& root, const std::string& controller, Use use) {
  const Result<std::string> groups = read_file(root + "/proc/self/cgroup");
  if (!groups) return;
  for (const std::string& line : split(*groups, '\n')) {  // "4:cpu,cpuacct:/a/b", and "0::/a/b" for version 2
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      group = line.substr(second + 1);
    if (controllers.empty()) use(root + "/sys/fs/cgroup", group, 2);
    for (const std::string& one : split(controllers, ',')) {
      if (one == controller) use(root + "/sys/fs/cgroup/" + one, group, 1);
    }
  }
}

}  // namespace

std::vector<int> parse_cpu_list(const std::string& text) {
  std::vector<int> threads;
  for (const std::string& range : split(text, ',')) {
    int first = 0, last = 0;
    const int found = std::sscanf(range.c_str(), "%d-%d", &first, &last);
    if (found == 1) last = first;
    if (found < 1 || first < 0 || last < first || last > 1 << 20) return {};
    for (int thread = first; thread <= last; ++thread) threads.push_back(thread);
  }
  return threads;
}

std::optional<CpuQuota> cpu_quota(const std::string& root) {
  std::optional<CpuQuota> limit;
  each_hierarchy(root, "cpu", [&](const std::string& mount, const std::string& group, int version) {
    climb(mount, group, [&](const std::string& folder) {
      const auto found = version == 2 ? quota_v2(folder) : quota_v1(folder);
      if (found && (!limit || *found < limit->cores)) limit = {*found, folder.substr(root.size())};
      return false;
    });
  });
  return limit;
}

std::optional<std::uint64_t> memory_limit(const std::string& root) {
  std::optional<std::uint64_t> limit;
  each_hierarchy(root, "memory", [&](const std::string& mount, const std::string& group, int version) {
    climb(mount, group, [&](const std::string& folder) {
      const auto found = number_in(folder + (version == 2 ? "/memory.max" : "/memory.limit_in_bytes"));
      // Version 1 gives a number near 2^63 if there is no limit.
      if (found && *found > 0 && *found < 1L << 60)
        limit = std::min(limit.value_or(~0ULL), std::uint64_t(*found));
      return false;
    });
  });
  return limit;
}

std::optional<std::uint64_t> process_limit(const std::string& root) {
  std::optional<std::uint64_t> limit;
  each_hierarchy(root, "pids", [&](const std::string& mount, const std::string& group, int) {
    climb(mount, group, [&](const std::string& folder) {
      if (const auto found = number_in(folder + "/pids.max"); found && *found > 0)
        limit = std::min(limit.value_or(~0ULL), std::uint64_t(*found));
      return false;
    });
  });
  return limit;
}

std::optional<CpuSet> cpu_set(const std::string& root) {
  std::optional<CpuSet> set;
  each_hierarchy(root, "cpuset", [&](const std::string& mount, const std::string& group, int version) {
    climb(mount, group, [&](const std::string& folder) {
      auto threads = list_in(folder + (version == 2 ? "/cpuset.cpus.effective" : "/cpuset.effective_cpus"));
      if (threads.empty() && version == 1) threads = list_in(folder + "/cpuset.cpus");
      const bool found = !threads.empty();
      if (found && (!set || threads.size() < set->threads.size()))
        set = {std::move(threads), folder.substr(root.size())};
      return found;  // the enclosing groups allow at least as many
    });
  });
  return set;
}

}  // namespace furrow::os
