// What a crate tells: which workflows, rules and jobs, with the versions of the files that they use and make.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/crate/crate_files.hpp"
#include "report/crate/run_history.hpp"

namespace furrow::report {

struct PlannedWorkflow {
  WorkflowFacts facts{};  // of its last run
  std::string base{};     // what the ids of its parts begin with
  std::uint32_t snakefile = 0;
  std::vector<std::uint32_t> included{}, config_files{};
};

struct PlannedRule {
  RuleFacts facts{};
  std::uint32_t workflow = 0;
  std::string tool{}, step{};  // ids
  std::optional<std::uint32_t> script{}, conda_file{};
};

struct PlannedJob {
  std::uint32_t job = 0;  // of the history
  std::uint32_t rule = 0;
  std::string id{};
  std::vector<std::uint32_t> inputs{}, outputs{};
};

struct CratePlan {
  std::vector<PlannedWorkflow> workflows{};  // the main one first
  std::vector<PlannedRule> rules{};
  std::vector<PlannedJob> jobs{};
  std::vector<std::uint32_t> workflow_of_run{};
  std::size_t running = 0;  // jobs that have not ended yet
};

// Adds the files of the jobs and workflows to FILES; numbers of files are those of versions. Fails if no run of the history
// says which workflow it ran, or if no job has ended.
Result<CratePlan> plan_crate(const RunHistory& history, CrateFiles& files);

}  // namespace furrow::report
