// Each run as two actions: that of the workflow, and that of the engine, which organizes the steps. Not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "report/crate/agents.hpp"
#include "report/crate/contents.hpp"
#include "report/crate/entity.hpp"
#include "report/crate/file_entities.hpp"
#include "report/crate/makers.hpp"
#include "report/crate/parameters.hpp"

namespace furrow::report {

class RunEntities {
 public:
  // Borrows all.
  RunEntities(const CrateContents& contents, const Makers& makers, Parameters& parameters,
              FileEntities& files, Agents& agents);

  void write(const AddEntity& add);
  static std::string workflow_id(const HistoryRun& run);
  static std::string engine_id(const HistoryRun& run);

 private:
  void write_workflow(const AddEntity& add, std::uint32_t number);
  void write_engine(const AddEntity& add, std::uint32_t number);
  std::vector<std::string> write_steps(const AddEntity& add, std::uint32_t number);
  std::vector<std::string> config_of(std::uint32_t number);
  void add_times(Entity& entity, const HistoryRun& run) const;

  const CrateContents& contents_;
  const Makers& makers_;
  Parameters& parameters_;
  FileEntities& files_;
  Agents& agents_;
  std::vector<std::vector<std::uint32_t>> jobs_;  // of the plan, by run
};

}  // namespace furrow::report
