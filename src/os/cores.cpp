#include "os/cores.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.hpp"
#include "os/files.hpp"

namespace furrow::os {

namespace {

// The hardware threads the scheduler may put us on; machines with more than 1024 need a larger set.
std::vector<int> allowed_threads() {
  for (int most = 1024; most <= 1 << 20; most *= 4) {
    cpu_set_t* const set = CPU_ALLOC(most);
    const std::size_t bytes = CPU_ALLOC_SIZE(most);
    std::vector<int> threads;
    const bool known = ::sched_getaffinity(0, bytes, set) == 0;
    for (int cpu = 0; known && cpu < most; ++cpu) {
      if (CPU_ISSET_S(cpu, bytes, set)) threads.push_back(cpu);
    }
    CPU_FREE(set);
    if (known) return threads;
  }
  return {0};
}

std::optional<long> number_in(const std::string& path) {
  const Result<std::string> text = read_file(path);
  long value = 0;
  if (!text || std::sscanf(text->c_str(), "%ld", &value) != 1) return std::nullopt;
  return value;
}

int count_physical(const std::string& root, const std::vector<int>& threads) {
  std::set<std::pair<long, long>> cores;
  for (const int cpu : threads) {
    const std::string topology = root + "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    const auto package = number_in(topology + "physical_package_id");
    const auto core = number_in(topology + "core_id");
    if (!package || !core) return static_cast<int>(threads.size());
    cores.emplace(*package, *core);
  }
  return static_cast<int>(cores.size());
}

std::optional<double> quota_v2(const std::string& folder) {
  const Result<std::string> text = read_file(folder + "/cpu.max");
  double quota = 0, period = 0;
  if (!text || std::sscanf(text->c_str(), "%lf %lf", &quota, &period) != 2 || period <= 0)
    return std::nullopt;  // "max 100000"
  return quota / period;
}

std::optional<double> quota_v1(const std::string& folder) {
  const auto quota = number_in(folder + "/cpu.cfs_quota_us");
  const auto period = number_in(folder + "/cpu.cfs_period_us");
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

// The tightest quota of a group and of those around it. In a container the group's own folder may not be
// there; the mount's root is.
template <class Quota>
void tighten(std::optional<double>& limit, const std::string& mount, std::string group, Quota quota) {
  for (;;) {
    while (!group.empty() && group.back() == '/') group.pop_back();
    if (const auto found = quota(mount + group); found && (!limit || *found < *limit)) limit = found;
    if (group.empty()) return;
    group = parent_of(group);
  }
}

std::optional<double> quota(const std::string& root) {
  std::optional<double> limit;
  const Result<std::string> groups = read_file(root + "/proc/self/cgroup");
  if (!groups) return limit;
  for (const std::string& line : split(*groups, '\n')) {  // "4:cpu,cpuacct:/a/b", and "0::/a/b" for version 2
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      group = line.substr(second + 1);
    if (controllers.empty()) tighten(limit, root + "/sys/fs/cgroup", group, &quota_v2);
    for (const std::string& controller : split(controllers, ',')) {
      if (controller == "cpu") tighten(limit, root + "/sys/fs/cgroup/" + controller, group, &quota_v1);
    }
  }
  return limit;
}

}  // namespace

Cores usable_cores(const std::string& root) {
  const std::vector<int> threads = allowed_threads();
  Cores cores{static_cast<int>(threads.size()), count_physical(root, threads)};
  if (const auto limit = quota(root)) {
    const int most = std::max(1, static_cast<int>(std::min(1e6, std::ceil(*limit))));
    cores.logical = std::min(cores.logical, most);
  }
  cores.physical = std::clamp(cores.physical, 1, cores.logical);
  return cores;
}

}  // namespace furrow::os
