#include "cli/run/software_settings.hpp"

#include <cstdlib>

#include "os/files/files.hpp"

namespace furrow::cli {

// As in Snakemake.
std::string conda_prefix(const RunOptions& options) {
  std::string path = options.conda_prefix;
  if (const char* const usual = std::getenv("SNAKEMAKE_CONDA_PREFIX"); path.empty() && usual) path = usual;
  const char* const home = std::getenv("HOME");
  if (home && (path == "~" || path.starts_with("~/"))) path.replace(0, 1, home);
  return os::absolute(path.empty() ? ".snakemake/conda" : path);
}

deploy::Settings software_settings(const RunOptions& options, const std::string& python) {
  deploy::Settings settings;
  settings.python = python;
  settings.conda_prefix = conda_prefix(options);
  settings.conda_frontend = options.conda_frontend;
  settings.conda_base = options.conda_base_path;
  settings.conda_cleanup = options.conda_cleanup_pkgs;
  settings.blocks_search_paths = !options.conda_keeps_search_paths;
  return settings;
}

}  // namespace furrow::cli
