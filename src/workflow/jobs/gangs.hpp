// Which jobs of a workflow run at once: those that a pipe() or a service() connects.
//
// The jobs of a gang start together, and no other job stands between two of them. The rules for pipes and services are
// those of Snakemake: a pipe is read by exactly one job, and what nobody reads or uses is an error, before anything starts.
// Not thread-safe.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "workflow/dag/consumers.hpp"

namespace furrow::workflow {

class Gangs {
 public:
  struct Gang {
    std::vector<NodeId> nodes;                      // each after those whose pipes or services it uses
    std::vector<std::pair<NodeId, NodeId>> serves;  // a service, and a job that uses it
  };
  using MustRun = std::function<bool(NodeId)>;

  // Borrows its arguments, but for MUST_RUN.
  Gangs(const Dag& dag, const RuleSet& rules, const Consumers& consumers);

  // All gangs of the jobs that must run. Call it once, before extend().
  Result<void> find(const MustRun& must_run);
  // The graph has grown: NODES are due now, or have other inputs than before. Adds gangs; one that shares a job with an
  // earlier one replaces it. Returns jobs that cannot run.
  std::vector<std::pair<NodeId, Error>> extend(std::span<const NodeId> nodes, const MustRun& must_run);

  bool is_used() const { return is_used_; }  // some rule has a pipe or a service
  bool empty() const { return gangs_.empty(); }
  // One that was replaced has no jobs. New ones come last.
  const std::vector<Gang>& all() const { return gangs_; }
  // Null: the job runs alone.
  const Gang* of(NodeId node) const;
  bool are_partners(NodeId a, NodeId b) const { return index_of(a) != kNone && index_of(a) == index_of(b); }
  std::uint32_t index_of(NodeId node) const { return node < of_.size() ? of_[node] : kNone; }
  static constexpr std::uint32_t kNone = 0xffffffffu;

 private:
  using Links = std::vector<std::pair<NodeId, NodeId>>;  // a job, and one that uses a pipe or a service of it

  bool has_passing_outputs(NodeId node) const;
  Result<void> link(NodeId node, const MustRun& must_run, Links& links) const;
  Result<void> check_rule(NodeId node) const;
  Result<void> check_users(NodeId node, FileId file, FileFlags flag, const std::vector<NodeId>& users) const;
  Result<void> join(const Links& links, const MustRun& must_run);
  void put_in_order(Gang& gang) const;
  Result<void> check_gang(std::uint32_t index, const MustRun& must_run) const;
  std::string title(NodeId node) const;

  const Dag& dag_;
  const RuleSet& rules_;
  const Consumers& consumers_;
  std::vector<char> has_passing_;  // by rule
  bool is_used_ = false;           // some rule has such outputs
  std::vector<Gang> gangs_;
  std::vector<std::uint32_t> of_;  // by node
  // By node: its place in the order of the graph; empty once that is not sorted.
  std::vector<std::uint32_t> places_;
};

}  // namespace furrow::workflow
