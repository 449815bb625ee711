#include "cli/run/software_settings.hpp"

#include <cstdlib>

#include "cli/run/expand_variables.hpp"
#include "os/files/files.hpp"

namespace furrow::cli {

namespace {

// As in Snakemake: the option, else a variable, else a folder of the workflow.
std::string folder_of(std::string path, const char* variable, const char* fallback) {
  if (const char* const usual = std::getenv(variable); path.empty() && usual) path = usual;
  path = expand_variables(path);
  const char* const home = std::getenv("HOME");
  if (home && (path == "~" || path.starts_with("~/"))) path.replace(0, 1, home);
  return os::absolute(path.empty() ? fallback : path);
}

}  // namespace

std::string conda_prefix(const RunOptions& options) {
  return folder_of(options.conda_prefix, "SNAKEMAKE_CONDA_PREFIX", ".snakemake/conda");
}

std::string container_prefix(const RunOptions& options) {
  return folder_of(options.container_prefix, "APPTAINER_CACHEDIR", ".snakemake/singularity");
}

deploy::Settings software_settings(const RunOptions& options, const std::string& python) {
  deploy::Settings settings;
  settings.python = python;
  settings.conda_prefix = conda_prefix(options);
  settings.conda_frontend = options.conda_frontend;
  settings.conda_base = options.conda_base_path;
  settings.conda_cleanup = options.conda_cleanup_pkgs;
  settings.blocks_search_paths = !options.conda_keeps_search_paths;
  settings.container_runtime = options.container_runtime;
  settings.container_prefix = container_prefix(options);
  settings.container_arguments = options.container_arguments;
  return settings;
}

}  // namespace furrow::cli
