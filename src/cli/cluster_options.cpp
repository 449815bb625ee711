#include "cli/cluster_options.hpp"

#include <algorithm>
#include <array>

namespace furrow::cli {

namespace {

enum class Needs : std::uint8_t { kCluster, kSlurm, kPacked, kCommands };

struct ClusterOption {
  const char* name;
  Needs needs;
  const char* about;
};

// --seconds-between-status-checks is not here: it also applies to jobs that an earlier run left on a cluster. Neither
// are --groups and --group-components, which Snakemake takes everywhere.
constexpr auto kOptions = std::to_array<ClusterOption>({
    {"--set-resource-scopes", Needs::kCluster, "sets limits of --resources on a cluster"},
    {"--local-cores", Needs::kCluster, "limits the jobs that run here while the others go to a cluster"},
    {"--max-jobs-per-second", Needs::kCluster, "limits submissions to a cluster"},
    {"--precommand", Needs::kCluster, "is run on the nodes of a cluster"},
    {"--packing", Needs::kSlurm, "says how jobs share submissions to Slurm"},
    {"--resource", Needs::kSlurm, "says what to request from Slurm"},
    {"--batch-cores", Needs::kPacked, "is about the allocations of Slurm that jobs share"},
    {"--batch-nodes", Needs::kPacked, "is about the allocations of Slurm that jobs share"},
    {"--cluster-status", Needs::kCommands, "belongs to --cluster"},
    {"--cluster-cancel", Needs::kCommands, "belongs to --cluster"},
    {"--cluster-cancel-nargs", Needs::kCommands, "belongs to --cluster"},
    {"--jobscript", Needs::kCommands, "belongs to --cluster"},
    {"--cluster-config", Needs::kCommands, "belongs to --cluster"},
    {"--max-status-checks-per-second", Needs::kCommands, "belongs to --cluster"},
});

bool packs(const exec::ExecutorSettings& settings) {
  return settings.packing == "auto" || settings.packing == "packed";
}

bool has_effect(const exec::ExecutorSettings& settings, Needs needs) {
  switch (needs) {
    case Needs::kCluster:
      return settings.is_cluster();
    case Needs::kSlurm:
      return settings.type().shares_submissions;
    case Needs::kPacked:
      return settings.type().shares_submissions && packs(settings);
    case Needs::kCommands:
      return settings.type().takes_commands;
  }
  return true;
}

std::string what_to_do(const exec::ExecutorSettings& settings, Needs needs) {
  if (needs == Needs::kCommands)
    return settings.is_cluster() ? "--executor slurm asks Slurm itself: leave it out."
                                 : "Add --cluster COMMAND, or leave it out.";
  if (settings.type().takes_commands)
    return "With --cluster each job is a submission of its own: leave it out, or use --executor slurm "
           "instead.";
  if (settings.type().shares_submissions)
    return "With --packing " + settings.packing + " they share none: leave out one of the two options.";
  return "Add --executor slurm, or leave it out.";
}

}  // namespace

Result<void> check_packing(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kKnown{"auto", "one", "array", "packed"};
  if (std::find(kKnown.begin(), kKnown.end(), name) != kKnown.end()) return {};
  return fail(std::string(name) + " is not one of auto, one, array, packed");
}

Result<void> check_effects(const exec::ExecutorSettings& settings, const std::set<std::string>& given) {
  for (const ClusterOption& option : kOptions) {
    if (!given.contains(option.name) || has_effect(settings, option.needs)) continue;
    return fail(
        Error{std::string(option.name) + " " + option.about, "", 0, what_to_do(settings, option.needs)});
  }
  return {};
}

}  // namespace furrow::cli
