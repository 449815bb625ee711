// The options of `furrow run` as given, before they are checked together.
#pragma once

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
  std::string cores, jobs, executor, dag, rulegraph;
  bool slurm = false;
  std::vector<std::string> quiet, resources, set_threads, set_resources, default_resources, groups,
      group_components, resource_scopes;
  // Options that are accepted but change nothing.
  std::string ignored_text;
  bool ignored = false;
};

// Combines the options; an error names those that cannot be combined.
Result<RunOptions> finish(RunParsedArgs args);

}  // namespace furrow::cli
