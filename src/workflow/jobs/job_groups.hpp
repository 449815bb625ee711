// Which jobs of a workflow go to a cluster together: those of a group that hang together in the graph.
//
// Jobs that share a file flagged temp(..., group_jobs=True) are of one group even where they name none.
//
// A *part* is what is left of a group's jobs when only edges between them count: its connected components. Up
// to so many parts as the user says for the group go together, of those that are equally deep in the graph,
// so that none of them can need another. A part that needs itself by way of jobs outside of it is an error,
// since it could never go anywhere. Immutable; not thread-safe while it is made.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "workflow/dag/dag.hpp"

namespace furrow::workflow {

class JobGroups {
 public:
  static constexpr std::uint32_t kNone = 0xffffffffu;
  struct Group {
    std::string name;
    std::vector<NodeId> nodes;  // each after what it needs of the others
  };

  // COMPONENTS: parts that go together, by the group's name, with its wildcards filled in or not.
  static Result<JobGroups> find(const Dag& dag, const RuleSet& rules, Evaluator& evaluator,
                                const std::function<bool(NodeId)>& must_run,
                                const std::map<std::string, std::size_t>& components);

  bool empty() const { return groups_.empty(); }
  // Groups of a single job are none: it goes as any other.
  const std::vector<Group>& all() const { return groups_; }
  std::uint32_t group_of(NodeId node) const { return node < of_.size() ? of_[node] : kNone; }

 private:
  std::vector<Group> groups_;
  std::vector<std::uint32_t> of_;  // by node
};

}  // namespace furrow::workflow
