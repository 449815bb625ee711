// Who has run jobs, where, and with which engine: an entity for each person, machine and version. Not thread-safe.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "report/crate/parameters.hpp"
#include "report/crate/run_history.hpp"

namespace furrow::report {

class Agents {
 public:
  explicit Agents(AddEntity add) : add_(std::move(add)) {}

  // Ids; empty if it is not known.
  std::string person(const std::string& user);
  std::string machine(const std::string& host);
  std::string engine(const std::string& version);
  const std::vector<std::string>& people() const { return people_; }

 private:
  bool is_new(const std::string& id) { return known_.insert(id).second; }
  AddEntity add_;
  std::unordered_set<std::string> known_;
  std::vector<std::string> people_;
};

}  // namespace furrow::report
