// Keeps to --until and --omit-from while the graph grows: jobs that turn up behind a checkpoint are cut away as those
// that were known before.
//
// With --until, jobs that wait for a kept checkpoint are asked though they are cut away themselves (Dag::set_aside):
// named jobs may turn up behind them. As long as no job of a name is known, what such jobs wait for is made. Not
// thread-safe.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "workflow/dag/extension.hpp"

namespace furrow::workflow {

class GrowingCut {
 public:
  // DAG has been cut already. The names are rules and files.
  GrowingCut(Dag& dag, const RuleSet& rules, const std::vector<std::string>& until,
             const std::vector<std::string>& omit_from);

  // Of what EXTENSION brings, leaves what is kept.
  void cut(Extension& extension);

 private:
  struct Names {
    std::set<RuleId> rules;
    std::set<std::string> files;
    bool empty() const { return rules.empty() && files.empty(); }
  };
  Names split(const std::vector<std::string>& names) const;
  bool is_named(const Names& names, NodeId node) const;
  void forget_known(NodeId node);
  void keep_wanted(Extension& extension);
  void omit(Extension& extension);

  Dag& dag_;
  const RuleSet& rules_;
  const Names until_, omit_;
  Names unknown_;  // of until_: no job of theirs is known
  // By job.
  std::vector<char> kept_, omitted_;
};

}  // namespace furrow::workflow
