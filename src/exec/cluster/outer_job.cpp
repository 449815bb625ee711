#include "exec/cluster/outer_job.hpp"

#include <algorithm>
#include <array>

namespace furrow::exec {

namespace {

using Names = std::initializer_list<std::string_view>;

bool begins_with_any(std::string_view name, Names prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool is_any(std::string_view name, Names names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool is_of_outer_job(std::string_view name) {
  // Where Slurm is, how its commands answer, and which MPI srun starts: also set outside of jobs.
  if (is_any(name, {"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT", "SLURM_TIME_FORMAT",
                    "SLURM_MPI_TYPE"}))
    return false;
  if (begins_with_any(name, {"SLURM_", "SLURMD_", "SBATCH_CPU_BIND", "SBATCH_MEM_BIND", "PMI_", "PMIX_"}))
    return true;
  return is_any(name,
                {"CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"});
}

std::vector<std::string> without_outer_job(const std::vector<std::string>& environment) {
  const bool is_inside = std::any_of(environment.begin(), environment.end(), [](const std::string& entry) {
    return entry.starts_with("SLURM_JOB_ID=") || entry.starts_with("SLURM_JOBID=");
  });
  std::vector<std::string> left = environment;
  if (is_inside)
    std::erase_if(left, [](const std::string& entry) {
      return is_of_outer_job(std::string_view(entry).substr(0, entry.find('=')));
    });
  return left;
}

}  // namespace furrow::exec
