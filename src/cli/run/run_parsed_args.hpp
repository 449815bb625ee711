// The options of `furrow run` as given, before they are checked together.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/run/run_options.hpp"

namespace furrow::cli {

struct RunParsedArgs {
  RunOptions run;
  // The first long name of each given option, with dashes; includes RunOptions::of_profiles.
  std::set<std::string> given;
  std::string cores, jobs, executor, reporter, dag, rulegraph, jobs_per_timespan, list_changes, lint,
      containerize, wait_for_files_file, batch, cluster_sync, conda_cleanup_pkgs;
  bool slurm = false, use_conda = false, use_apptainer = false, use_envmodules = false;
  std::vector<std::string> deployment, quiet, resources, set_threads, set_scatter, set_resources,
      default_resources, groups, group_components, resource_scopes, consider_ancient;
  // The values of options that have no effect, by all names of the option.
  std::map<std::string, std::vector<std::string>> without_effect;
};

// Combines the options; an error names those that cannot be combined.
Result<RunOptions> finish(RunParsedArgs args);

}  // namespace furrow::cli
