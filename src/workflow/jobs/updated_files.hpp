// Keeps a copy of each output flagged update() while its job changes it.
//
// If the job fails, the copy takes the file's place again. If the engine was killed, the copy is still there when the
// job starts the next time, and takes its place then. Not thread-safe.
#pragma once

#include <string>

#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

class UpdatedFiles {
 public:
  // FOLDER: where copies are kept. Borrows DAG and RULES.
  UpdatedFiles(const Dag& dag, const RuleSet& rules, std::string folder = ".furrow/backups");

  Result<void> keep(NodeId node);     // its job is about to start
  Result<void> restore(NodeId node);  // it has failed
  void forget(NodeId node);           // it has succeeded

 private:
  template <class Function>
  Result<void> each(NodeId node, Function function) const;
  std::string copy_of(const std::string& path) const;
  Result<void> bring_back(const std::string& path) const;

  const Dag& dag_;
  const RuleSet& rules_;
  const std::string folder_;
};

}  // namespace furrow::workflow
