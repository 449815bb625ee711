// What the options of `furrow run` say, before it is known how they go together.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/run/run_options.hpp"

namespace furrow::cli {

struct RunDraft {
  RunOptions run;
  // the first long name of each, with dashes; RunOptions::of_profiles are among them
  std::set<std::string> given;
  std::string cores, jobs, executor, dag, rulegraph;
  bool slurm = false;
  std::vector<std::string> quiet, resources, set_threads, set_resources, default_resources, groups,
      group_components, resource_scopes;
  // Options that change nothing.
  std::string ignored_text;
  bool ignored = false;
};

// Puts them together; an error says which do not go together.
Result<RunOptions> finish(RunDraft draft);

}  // namespace furrow::cli
