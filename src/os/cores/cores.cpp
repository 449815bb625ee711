#include "os/cores/cores.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "os/cores/topology.hpp"
#include "os/files/files.hpp"

namespace furrow::os {

namespace {

// The hardware threads on which the scheduler may put us; machines with more than 1024 need a larger set.
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

int count_of(const std::vector<int>& threads) { return static_cast<int>(threads.size()); }

// The hardware threads of the core that THREAD belongs to. Ids of cores are no good: some machines have the same one
// twice in a package.
std::vector<int> siblings(const std::string& root, int thread) {
  const std::string topology = root + "/sys/devices/system/cpu/cpu" + std::to_string(thread) + "/topology/";
  Result<std::string> text = read_file(topology + "core_cpus_list");
  if (!text) text = read_file(topology + "thread_siblings_list");  // its name before Linux 5.3
  return text ? parse_cpu_list(*text) : std::vector<int>();
}

// If the files do not say, each hardware thread counts as a core.
int cores_by_files(const std::string& root, const std::vector<int>& threads) {
  std::unordered_set<int> seen;
  int cores = 0;
  for (const int thread : threads) {
    if (seen.count(thread) != 0) continue;
    const std::vector<int> of_core = siblings(root, thread);
    if (of_core.empty()) return count_of(threads);
    seen.insert(of_core.begin(), of_core.end());
    ++cores;
  }
  return cores;
}

std::vector<int> online_threads(const std::string& root) {
  const Result<std::string> text = read_file(root + "/sys/devices/system/cpu/online");
  return text ? parse_cpu_list(*text) : std::vector<int>();
}

int rounded_up(double quota) { return std::max(1, static_cast<int>(std::min(1e6, std::ceil(quota)))); }

// Cores are counted whole: a quota of 2 leaves 2 physical cores of 4 that have two threads each.
Cores limited(Cores cores, const std::optional<CpuQuota>& quota) {
  if (quota) cores.logical = std::min(cores.logical, rounded_up(quota->cores));
  cores.physical = std::clamp(cores.physical, 1, cores.logical);
  return cores;
}

CoreLimit binding(const CoreFigures& figures, int Cores::*kind) {
  if (figures.usable.*kind < figures.affinity.*kind) return CoreLimit::kQuota;
  if (figures.cpu_set && figures.affinity.logical < count_of(figures.cpu_set->threads))
    return CoreLimit::kAffinity;
  if (figures.affinity.*kind == figures.machine.*kind) return CoreLimit::kMachine;
  return figures.cpu_set ? CoreLimit::kCpuSet : CoreLimit::kAffinity;
}

}  // namespace

Cores usable_cores(const std::string& root) {
  const std::vector<int> threads = allowed_threads();
  return limited({count_of(threads), cores_by_files(root, threads)}, cpu_quota(root));
}

CoreFigures measure_cores(const std::string& root) {
  std::optional<Topology> topology;
  if (root.empty()) topology = Topology::load();
  if (topology && topology->cores() == 0) topology.reset();

  const std::vector<int> allowed = allowed_threads();
  CoreFigures figures;
  figures.affinity = {count_of(allowed),
                      topology ? topology->cores_of(allowed) : cores_by_files(root, allowed)};
  const std::vector<int> online = online_threads(root);
  figures.machine = topology ? Cores{topology->threads(), topology->cores()}
                             : Cores{count_of(online), cores_by_files(root, online)};
  figures.machine.logical = std::max(figures.machine.logical, figures.affinity.logical);
  figures.machine.physical = std::max(figures.machine.physical, figures.affinity.physical);
  figures.cpu_set = cpu_set(root);
  figures.quota = cpu_quota(root);
  figures.usable = limited(figures.affinity, figures.quota);
  figures.binding_logical = binding(figures, &Cores::logical);
  figures.binding_physical = binding(figures, &Cores::physical);
  return figures;
}

}  // namespace furrow::os
