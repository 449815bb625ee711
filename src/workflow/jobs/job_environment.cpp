#include "workflow/jobs/job_environment.hpp"

#include <algorithm>

namespace furrow::workflow {

namespace {

constexpr const char* kThreadVariables[] = {"OMP_NUM_THREADS",        "GOTO_NUM_THREADS",
                                            "OPENBLAS_NUM_THREADS",   "MKL_NUM_THREADS",
                                            "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"};
constexpr const char* kFolderVariables[] = {"TMPDIR", "TMP", "TEMPDIR", "TEMP"};

}  // namespace

void add_job_environment(const JobDemands::Demand& demand,
                         std::vector<std::pair<std::string, std::string>>& environment) {
  const auto add = [&](const char* name, const std::string& value) {
    const bool is_there = std::any_of(environment.begin(), environment.end(),
                                      [&](const auto& pair) { return pair.first == name; });
    if (!is_there) environment.emplace_back(name, value);
  };
  for (const char* name : kThreadVariables) add(name, std::to_string(demand.threads));
  for (const auto& [name, value] : demand.resources) {
    const auto* folder = std::get_if<std::string>(&value);
    if (name != "tmpdir" || !folder || folder->empty()) continue;
    for (const char* variable : kFolderVariables) add(variable, *folder);
  }
}

}  // namespace furrow::workflow
