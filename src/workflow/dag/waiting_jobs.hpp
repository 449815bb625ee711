// Which jobs wait for files of checkpoints before their input functions can answer. Not thread-safe.
#pragma once

#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

class WaitingJobs {
 public:
  bool is_awaited(FileId file) const { return !by_file_.empty() && by_file_.contains(file); }

  // The functions of NODE wait for FILES. An error if that will never end.
  std::optional<Error> add(const Dag& dag, const RuleSet& rules, NodeId node,
                           const std::vector<FileId>& files);
  // These files are made: takes out the jobs that wait for one of them, also if they wait for others.
  std::vector<NodeId> take(std::span<const FileId> made, const Dag& dag);

 private:
  std::unordered_map<FileId, std::vector<NodeId>> by_file_;
  std::unordered_set<FileId> made_;
  std::unordered_map<NodeId, std::uint32_t> answers_;  // how often their functions have answered
};

}  // namespace furrow::workflow
