// Profiles: a folder with a config.yaml that contains options, as on the command line.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace furrow::cli {

struct ProfileOption {
  std::string name;                 // without dashes
  std::vector<std::string> values;  // empty: a flag that is on
  std::string file;                 // where it stands, for messages
  int line = 0;                     // 0: not known
};

// The profile that belongs to a workflow: NAME as a path, or a folder of that name in `profiles` here or next
// to the Snakefile. Empty if there is none of that name.
std::string find_workflow_profile(const std::string& name, const std::string& snakefile);

// The names that the file of a profile may have in its folder.
std::vector<std::string> profile_file_names();

// NAME is a folder, a file, or the name of a folder in ~/.config/furrow, ~/.config/snakemake or
// /etc/xdg/snakemake.
Result<std::vector<ProfileOption>> read_profile(const std::string& name);

}  // namespace furrow::cli
