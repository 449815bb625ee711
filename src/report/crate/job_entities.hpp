// Each job as an action: which rule, from what, with what, what it made, when, where, by whom, and how it ended.
// Not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "report/crate/agents.hpp"
#include "report/crate/contents.hpp"
#include "report/crate/entity.hpp"
#include "report/crate/file_entities.hpp"
#include "report/crate/parameters.hpp"
#include "report/crate/workflow_entities.hpp"
#include "report/redactor.hpp"

namespace furrow::report {

// What texts of jobs may be shown.
struct ShownTexts {
  Redactor redactor;
  // By run: secrets in the texts of its jobs could not be found, since a variable is not set here.
  std::vector<bool> are_hidden{};
};

// Of failed jobs: "exit status 3", and the end of what it has printed.
std::string failure_of(const HistoryJob& job);

class JobEntities {
 public:
  // Borrows all.
  JobEntities(const CrateContents& contents, Parameters& parameters, FileEntities& files, Agents& agents,
              const WorkflowEntities& workflows, const ShownTexts& texts)
      : contents_(contents),
        parameters_(parameters),
        files_(files),
        agents_(agents),
        workflows_(workflows),
        texts_(texts) {}

  void write(const AddEntity& add, const PlannedJob& planned);

 private:
  void add_values(const PlannedJob& planned, std::vector<std::string>& objects);
  void add_wildcards(const PlannedJob& planned, std::vector<std::string>& objects);
  void add_value(const PlannedRule& rule, const char* kind, const std::string& name, const std::string& value,
                 std::vector<std::string>& objects);
  std::vector<std::string> write_usage(const AddEntity& add, const PlannedJob& planned);
  std::vector<std::string> facts_of(const store::JobRecord& record);
  std::string shown(const HistoryJob& job, const std::string& text) const;

  const CrateContents& contents_;
  Parameters& parameters_;
  FileEntities& files_;
  Agents& agents_;
  const WorkflowEntities& workflows_;
  const ShownTexts& texts_;
};

}  // namespace furrow::report
