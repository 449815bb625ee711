// The files and folders of a crate as entities. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "report/crate/contents.hpp"
#include "report/crate/entity.hpp"
#include "report/crate/parameters.hpp"

namespace furrow::report {

class FileEntities {
 public:
  // Borrows both.
  FileEntities(const CrateContents& contents, Parameters& parameters);

  // The files of VERSIONS are inputs or outputs of OWNER, a workflow or tool; PREFIX: what the ids of its parameters begin
  // with.
  void realize(const std::string& owner, const std::string& prefix, Direction direction,
               const std::vector<std::uint32_t>& versions);
  // What every file has. NUMBER: of CrateFiles.
  void describe(Entity& entity, std::uint32_t number) const;
  // All but the workflows themselves.
  void write(const AddEntity& add) const;

 private:
  enum class Role : std::uint8_t { kWorkflow, kIncluded, kScript, kConda };
  struct Source {
    Role role = Role::kScript;
    std::string workflow{};  // its id
  };
  void note(std::uint32_t version, Role role, const std::string& workflow);
  void write_one(const AddEntity& add, std::uint32_t number) const;

  const CrateContents& contents_;
  Parameters& parameters_;
  std::unordered_map<std::uint32_t, Source> sources_;
  std::vector<std::vector<std::string>> realized_;  // ids of parameters, by file
};

}  // namespace furrow::report
