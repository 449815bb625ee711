#include "workflow/dag/reason_spread.hpp"

namespace furrow::workflow {

ReasonSpread::ReasonSpread(const Dag& dag, FileStates& states, const Consumers& consumers,
                           std::vector<Reasons>& reasons, const std::vector<Reasons>& own)
    : dag_(dag), states_(states), consumers_(consumers), reasons_(reasons), own_(own) {}

void ReasonSpread::all() {
  std::vector<NodeId> queue;
  for (const NodeId node : dag_.order()) {
    if (must_run(node)) queue.push_back(node);
  }
  spread(queue, {}, nullptr);
}

void ReasonSpread::spread(std::vector<NodeId>& queue, const IsSettled& is_settled, WasDue* was_due) {
  const auto add = [&](NodeId node, Reason reason) {
    if (!must_run(node)) {
      if (is_settled && is_settled(node)) return;
      if (was_due) was_due->try_emplace(node, false);
      queue.push_back(node);
    }
    reasons_[node] |= reason;
  };
  while (!queue.empty()) {
    const NodeId node = queue.back();
    queue.pop_back();
    for (const FileId file : dag_.inputs(node)) {
      const NodeId made_by = dag_.producer(file);
      if (made_by != kNoNode && !states_.exists(file)) add(made_by, kMissingOutput);
    }
    consumers_.for_each(node, [&](const Consumers::Edge& edge) {
      // An ancient input that exists triggers nothing; one that is only now made is new to its consumer.
      if (!edge.ancient || !states_.exists(edge.file)) add(edge.consumer, kUpstream);
    });
  }
}

void ReasonSpread::revise(const Extension& extension, const IsSettled& is_settled, WasDue& was_due) {
  std::vector<NodeId> open = take_back(extension, is_settled, was_due);
  open.insert(open.end(), extension.added.begin(), extension.added.end());
  std::vector<NodeId> queue;
  for (const NodeId node : open) {
    reasons_[node] |= support(node);
    if (must_run(node)) queue.push_back(node);
  }
  for (const Extension::Answered& answered : extension.answered) {
    if (own_[answered.node] != 0) queue.push_back(answered.node);
  }
  spread(queue, is_settled, &was_due);
}

// Jobs that had no reason but a job whose function has answered, directly or not. They have none from now on.
std::vector<NodeId> ReasonSpread::take_back(const Extension& extension, const IsSettled& is_settled,
                                            WasDue& was_due) {
  std::vector<NodeId> open;
  const auto doubt = [&](NodeId node) {
    if (node == kNoNode || own_[node] != 0 || !must_run(node) || is_settled(node)) return;
    was_due.try_emplace(node, true);
    reasons_[node] = 0;
    open.push_back(node);
  };
  for (const Extension::Answered& answered : extension.answered) {
    if (own_[answered.node] == 0) open.push_back(answered.node);
    for (const FileId file : answered.before) doubt(dag_.producer(file));
  }
  for (std::size_t i = 0; i < open.size(); ++i) {
    consumers_.for_each(open[i], [&](const Consumers::Edge& edge) { doubt(edge.consumer); });
    for (const FileId file : dag_.inputs(open[i])) doubt(dag_.producer(file));
  }
  return open;
}

// The reasons that NODE has because of other jobs that must run.
Reasons ReasonSpread::support(NodeId node) const {
  Reasons reasons = 0;
  const bool is_missed = consumers_.any_of(node, [&](const Consumers::Edge& edge) {
    return must_run(edge.consumer) && !states_.exists(edge.file);
  });
  if (is_missed) reasons |= kMissingOutput;
  const auto inputs = dag_.inputs(node);
  const auto flags = dag_.input_flags(node);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const NodeId made_by = dag_.producer(inputs[i]);
    if (made_by == kNoNode || !must_run(made_by)) continue;
    if ((flags[i] & kAncient) && states_.exists(inputs[i])) continue;
    return static_cast<Reasons>(reasons | kUpstream);
  }
  return reasons;
}

}  // namespace furrow::workflow
