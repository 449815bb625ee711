// Which resources of a job become options of sbatch, and which options allow jobs to share an allocation.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exec/cluster/cluster_needs.hpp"

namespace furrow::exec {

// Whether a resource of this name has an effect on Slurm: the names are those of Snakemake and of its plugin for
// Slurm.
bool is_slurm_resource(std::string_view name);
std::vector<std::string> slurm_resources();  // all of them, in the order in which people should see them

// Whether NAME seems to be meant for Slurm, although it has no effect there: then the nearest name that has one,
// or an empty text if none is near.
std::optional<std::string> misspelled_slurm_resource(std::string_view name);

// The options for `asked.others`, as words for a shell, each after a space.
std::string options_for_others(const Allocation& asked);
bool may_requeue(const Allocation& asked);

// Whether jobs can share such an allocation at a time. They cannot if it has something that is given to the
// allocation as a whole, such as a GPU, a licence or a node for itself.
bool is_divisible(const Allocation& asked);

}  // namespace furrow::exec
