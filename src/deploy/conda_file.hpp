// The file that describes a conda environment, and the folder that belongs to it.
//
// The folder's name is a hash of the content, computed as Snakemake does, so that either finds what the other has made.
// Beside the folder P lie P.yaml and P.pin.txt, copies of what it was made from, and P.env_setup_done, which says that it
// is whole. Snakemake 7 has P/env_setup_done instead; Furrow writes both.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace furrow::deploy {

// "linux-64", as conda calls this machine.
std::string conda_platform();

struct CondaFile {
  std::string path;
  std::string content;
  // NAME.post-deploy.sh and NAME.PLATFORM.pin.txt beside NAME.yaml; empty if they are not there.
  std::string post_deploy{}, post_deploy_content{};
  std::string pins{}, pins_content{};
  // Files for pip that it names (`-r FILE`): their paths relative to its folder, and all they say.
  std::vector<std::string> requirements{};
  std::string requirements_content{};
  // The image of the container in which the environment is made and used; empty: none.
  std::string image{};

  static Result<CondaFile> read(const std::string& path);

  // What makes the environment what it is, wherever it lies.
  std::string content_hash() const;
  // The name of its folder in FOLDER. Snakemake 7 does not count pins and requirements.
  std::string hash(const std::string& folder) const;
  std::string hash_of_version_7(const std::string& folder) const;
};

struct CondaFolder {
  std::string path;
  bool is_whole = false;
};
// Where the environment is in FOLDER, or where it is to be made.
CondaFolder find_conda_folder(const CondaFile& file, const std::string& folder);
bool is_whole_conda_folder(const std::string& path);
Result<void> mark_whole(const std::string& path);
// With the files beside it.
Result<void> remove_conda_folder(const std::string& path);

}  // namespace furrow::deploy
