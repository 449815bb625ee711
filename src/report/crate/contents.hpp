// What the entities of a crate are made of. Borrowed by those that make them.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "report/crate/crate_files.hpp"
#include "report/crate/crate_plan.hpp"
#include "report/crate/run_history.hpp"

namespace furrow::report {

struct CrateContents {
  const RunHistory& history;
  const CratePlan& plan;
  const CrateFiles& files;

  // By the number of a version, as the plan has it.
  const CrateFile& file(std::uint32_t version) const { return files.files()[files.file_of(version)]; }
  const std::string& id_of(std::uint32_t version) const { return file(version).id; }
  std::vector<std::string> ids_of(const std::vector<std::uint32_t>& versions) const {
    std::vector<std::string> ids;
    std::unordered_set<std::uint32_t> seen;
    for (const std::uint32_t version : versions) {
      if (seen.insert(files.file_of(version)).second) ids.push_back(id_of(version));
    }
    return ids;
  }
  const HistoryJob& job(const PlannedJob& planned) const { return history.jobs[planned.job]; }
  const HistoryRun& run(const PlannedJob& planned) const { return history.runs[job(planned).run]; }
};

}  // namespace furrow::report
