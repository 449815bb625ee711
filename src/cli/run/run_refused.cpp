#include "cli/run/run_refused.hpp"

#include <map>

namespace furrow::cli {

std::string not_yet(const std::string& name) {
  static const std::map<std::string, std::string> kOptions{
      {"--use-conda", "software environments"},
      {"--use-singularity", "containers"},
      {"--use-apptainer", "containers"},
      {"--use-envmodules", "environment modules"},
      {"--software-deployment-method", "software environments"},
      {"--sdm", "software environments"},
      {"--drmaa", "DRMAA"},
      {"--cluster-sync", "commands that wait for the job; use --cluster with a command that submits it"},
      {"--cluster-config", "the old configuration file for clusters; use resources"},
      {"--jobscript", "templates of job scripts"},
      {"--js", "templates of job scripts"},
      {"--jobname", "names of job scripts"},
      {"--jn", "names of job scripts"},
      {"--immediate-submit", "submitting jobs before those they depend on have ended"},
      {"--kubernetes", "clouds"},
      {"--report", "reports"},
      {"--lint", "linting"},
      {"--archive", "archives"},
      {"--batch", "batches"},
      {"--cache", "caching between workflows"},
      {"--containerize", "containers"},
      {"--edit-notebook", "notebooks"},
      {"--default-storage-provider", "remote storage"},
      {"--generate-unit-tests", "unit tests"},
      {"--d3dag", "that format"},
  };
  const auto found = kOptions.find(name);
  return found == kOptions.end() ? std::string() : found->second;
}

}  // namespace furrow::cli
