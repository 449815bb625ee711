// Which jobs of a workflow go to a cluster together: those of a group that are connected in the graph.
//
// Jobs that share a file flagged temp(..., group_jobs=True) belong to one group even if they name none.
//
// A *part* is a connected component of a group's jobs, with only the edges between them counted. As many
// parts go together as the user allows for the group (--group-components), if they have the same depth in the
// graph, so that none of them can need another. A part that needs itself through jobs outside of it is an
// error, since it could never be submitted. Immutable; not thread-safe while it is made.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "workflow/jobs/gangs.hpp"

namespace furrow::workflow {

class JobGroups {
 public:
  static constexpr std::uint32_t kNone = 0xffffffffu;
  struct Group {
    std::string name;
    std::vector<NodeId> nodes;  // each after those of the others that it needs
  };

  // GANGS: jobs that run at once, which belong to one group whatever they declare.
  // COMPONENTS: how many parts go together, by the group's name, with its wildcards filled in or not.
  static Result<JobGroups> find(const Dag& dag, const RuleSet& rules, Evaluator& evaluator,
                                const std::function<bool(NodeId)>& must_run,
                                const std::map<std::string, std::size_t>& components,
                                std::span<const Gangs::Gang> gangs = {});

  bool empty() const { return groups_.empty(); }
  // Without groups of a single job, which is submitted as any other.
  const std::vector<Group>& all() const { return groups_; }
  std::uint32_t group_of(NodeId node) const { return node < of_.size() ? of_[node] : kNone; }

 private:
  std::vector<Group> groups_;
  std::vector<std::uint32_t> of_;  // by node
};

}  // namespace furrow::workflow
