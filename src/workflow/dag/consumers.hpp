// Which jobs use the outputs of a job: the edges of a Dag in the other direction. They lie in one array; what
// a graph gets when it grows is kept beside it. Not thread-safe.
#pragma once

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "workflow/dag/extension.hpp"

namespace furrow::workflow {

class Consumers {
 public:
  struct Edge {
    NodeId consumer;
    FileId file;
    bool ancient;
  };

  void find(const Dag& dag);
  void extend(const Dag& dag, const Extension& extension);
  // CONSUMER uses nothing any longer. INPUTS: what it used.
  void remove(const Dag& dag, NodeId consumer, std::span<const FileId> inputs);

  template <class Do>
  void for_each(NodeId node, Do act) const {
    any_of(node, [&](const Edge& edge) {
      act(edge);
      return false;
    });
  }
  // Whether IS holds for one of the edges from NODE.
  template <class Is>
  bool any_of(NodeId node, Is is) const {
    if (node + 1 < first_.size()) {
      for (std::uint32_t i = first_[node]; i < first_[node + 1]; ++i) {
        if (!is_replaced(edges_[i].consumer) && is(edges_[i])) return true;
      }
    }
    if (more_.empty()) return false;
    const auto more = more_.find(node);
    return more != more_.end() && std::any_of(more->second.begin(), more->second.end(), is);
  }

 private:
  bool is_replaced(NodeId consumer) const { return consumer < replaced_.size() && replaced_[consumer]; }
  void add(const Dag& dag, NodeId consumer);

  std::vector<std::uint32_t> first_;  // by job
  std::vector<Edge> edges_;
  std::vector<char> replaced_;  // by job: its edges in edges_ are those of earlier inputs
  std::unordered_map<NodeId, std::vector<Edge>> more_;
};

// Jobs of EXTENSION that need themselves since their functions have answered; they become failed ones, too.
void find_cycles(const Dag& dag, const RuleSet& rules, const Consumers& consumers, Extension& extension);

}  // namespace furrow::workflow
