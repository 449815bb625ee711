// Workflows, and their rules as tools and steps, with the software that they ask for. Not thread-safe.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "report/crate/contents.hpp"
#include "report/crate/entity.hpp"
#include "report/crate/file_entities.hpp"
#include "report/crate/makers.hpp"
#include "report/crate/parameters.hpp"

namespace furrow::report {

// "Rule count of Snakefile, line 7".
std::string place_of(const RuleFacts& rule);

class WorkflowEntities {
 public:
  // Borrows all.
  WorkflowEntities(const CrateContents& contents, const Makers& makers, const Parameters& parameters,
                   const FileEntities& files)
      : contents_(contents), parameters_(parameters), files_(files), positions_(makers.positions()) {}

  // After all parameters have their values.
  void write(const AddEntity& add);
  // The id of the image in which the jobs of the rule run; empty: none.
  std::string image_of(const PlannedRule& rule) const;

 private:
  void write_workflow(const AddEntity& add, std::uint32_t number);
  void write_rule(const AddEntity& add, std::uint32_t number);
  void write_image(const AddEntity& add, const PlannedRule& rule);
  std::vector<std::string> write_software(const AddEntity& add, const PlannedRule& rule);

  const CrateContents& contents_;
  const Parameters& parameters_;
  const FileEntities& files_;
  const std::vector<int> positions_;  // of rules
  std::unordered_set<std::string> written_;
};

}  // namespace furrow::report
