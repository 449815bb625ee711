#include "os/cores/share.hpp"

#include <sys/sysinfo.h>

#include <algorithm>
#include <cstdlib>

namespace furrow::os {

namespace {

std::int64_t number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  return text ? std::max<std::int64_t>(std::atoll(text), 0) : 0;
}

// The processors that Slurm allocated to this process; 0 if it does not say.
int given_by_slurm(int processes) {
  if (const auto each = number_in("SLURM_CPUS_PER_TASK")) return static_cast<int>(each);
  const auto here = number_in("SLURM_CPUS_ON_NODE");
  return here ? std::max(static_cast<int>(here) / processes, 1) : 0;
}

std::int64_t memory_given_by_slurm_mb(int processes) {
  if (const auto node = number_in("SLURM_MEM_PER_NODE")) return node / processes;
  return number_in("SLURM_MEM_PER_CPU") * given_by_slurm(processes);
}

}  // namespace

Cores share_of_cores(int processes) {
  processes = std::max(processes, 1);
  const CoreFigures figures = measure_cores();
  const auto share = [&](int machine, int usable) {
    if (figures.cpu_set)
      machine =
          machine * static_cast<int>(figures.cpu_set->threads.size()) / std::max(figures.machine.logical, 1);
    const int slurm = given_by_slurm(processes);
    const int fair = std::max(std::min(usable, machine / processes), 1);
    return slurm > 0 ? std::min(slurm, fair) : fair;
  };
  return {share(figures.machine.logical, figures.usable.logical),
          share(figures.machine.physical, figures.usable.physical)};
}

Cores cores_of_job() {
  Cores cores = usable_cores();
  // On a login node, salloc sets the variables too, and there they mean nothing.
  const auto given = std::getenv("SLURMD_NODENAME") ? static_cast<int>(number_in("SLURM_CPUS_ON_NODE")) : 0;
  if (given > 0) cores = {std::min(cores.logical, given), std::min(cores.physical, given)};
  return cores;
}

std::int64_t share_of_memory_mb(int processes) {
  processes = std::max(processes, 1);
  struct sysinfo info {};
  if (::sysinfo(&info) != 0) return 0;
  std::uint64_t bytes = std::uint64_t{info.totalram} * info.mem_unit;
  bytes = std::min(bytes, memory_limit().value_or(bytes));
  const std::int64_t fair = static_cast<std::int64_t>(bytes >> 20) / processes;
  const std::int64_t slurm = memory_given_by_slurm_mb(processes);
  return slurm > 0 ? std::min(slurm, fair) : fair;
}

}  // namespace furrow::os
