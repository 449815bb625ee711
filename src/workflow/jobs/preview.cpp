#include "workflow/jobs/preview.hpp"

#include <algorithm>

#include "workflow/dag/identity.hpp"

namespace furrow::workflow {

Preview::Preview(const Dag& dag, const RuleSet& rules, FileStates& states, Evaluator& evaluator,
                 JobDemands& demands, std::function<bool(NodeId)> must_run)
    : dag_(dag),
      rules_(rules),
      evaluator_(evaluator),
      demands_(demands),
      must_run_(std::move(must_run)),
      states_(states),
      removal_(dag, rules, states) {}

// Whether an input of NODE is not there yet, or is about to be made again.
bool Preview::waits(NodeId node) const {
  const auto inputs = dag_.inputs(node);
  return std::any_of(inputs.begin(), inputs.end(), [&](FileId file) {
    const NodeId made_by = dag_.producer(file);
    return made_by != kNoNode && (must_run_(made_by) || !states_.exists(file));
  });
}

std::vector<Result<Preparation>> Preview::of(std::span<const NodeId> nodes) {
  std::vector<Result<Preparation>> seen(nodes.size(), Preparation{});
  std::vector<JobView> views;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    views.push_back(view_of(dag_, rules_, nodes[i]));
    views.back().is_preview = waits(nodes[i]);
    if (auto ready = removal_.check(nodes[i]); !ready) seen[i] = fail(std::move(ready.error()));
  }
  find_demands(nodes, views, seen);
  std::vector<JobView> asked;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Rule& rule = rules_[views[i].rule].rule;
    if (!seen[i] || (rule.kind == RuleKind::kNone && !rule.has_message)) continue;
    asked.push_back(std::move(views[i]));
    places.push_back(i);
  }
  if (asked.empty()) return seen;
  auto answers = evaluator_.describe(asked);
  for (std::size_t i = 0; i < places.size(); ++i) {
    seen[places[i]] = answers[i] ? std::move(answers[i])
                                 : fail(located(std::move(answers[i].error()), rules_[asked[i].rule].rule));
  }
  return seen;
}

Result<void> Preview::check_submission(NodeId node, const std::string& text) {
  std::vector<JobView> views{view_of(dag_, rules_, node)};
  views.front().is_preview = waits(node);
  views.front().number = 1;
  std::vector<Result<Preparation>> seen(1, Preparation{});
  find_demands({&node, 1}, views, seen);
  if (!seen.front()) return {};  // of() says so
  const auto words = evaluator_.submission(views, text).front();
  return words ? Result<void>{} : fail(words.error());
}

// Threads and resources as the run would have them. The functions of a job that waits are left to describe().
void Preview::find_demands(std::span<const NodeId> nodes, std::vector<JobView>& views,
                           std::vector<Result<Preparation>>& seen) {
  std::vector<NodeId> asked;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!seen[i] || (views[i].is_preview && rules_[views[i].rule].has_detail_functions)) continue;
    asked.push_back(nodes[i]);
    places.push_back(i);
  }
  auto demands = demands_.find(asked, 1);
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!demands[i]) {
      seen[places[i]] = fail(std::move(demands[i].error()));
      continue;
    }
    views[places[i]].threads = (*demands[i])->threads;
    views[places[i]].resources = (*demands[i])->resources;
  }
}

}  // namespace furrow::workflow
