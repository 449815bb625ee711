#include "workflow/jobs/planned_jobs.hpp"

#include <algorithm>

#include "workflow/dag/identity.hpp"

namespace furrow::workflow {

PlannedJobs::PlannedJobs(const Dag& dag, const RuleSet& rules, Evaluator& evaluator, PlanOptions options)
    : dag_(dag), rules_(rules), evaluator_(evaluator), options_(std::move(options)) {}

// ---- which of them go first

// NODES come after those of them that they need.
void PlannedJobs::find_depths(std::span<const NodeId> nodes, const MustRun& must_run) {
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    if (!must_run(*node)) continue;
    for (const FileId file : dag_.inputs(*node)) {
      const NodeId made_by = dag_.producer(file);
      if (made_by != kNoNode) depths_[made_by] = std::max(depths_[made_by], depths_[*node] + 1);
    }
  }
}

bool PlannedJobs::is_prioritized(NodeId node) const {
  if (options_.prioritized.empty()) return false;
  if (options_.prioritized.contains(rules_[dag_.node(node).rule].rule.name)) return true;
  const auto outputs = dag_.outputs(node, rules_);
  return std::any_of(outputs.begin(), outputs.end(), [&](FileId f) {
    return options_.prioritized.contains(std::string(dag_.files.view(f)));
  });
}

void PlannedJobs::find_urgent(std::span<const NodeId> nodes) {
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    urgent_[*node] |= static_cast<char>(is_prioritized(*node));
    if (!urgent_[*node]) continue;
    for (const FileId file : dag_.inputs(*node)) {  // the jobs that it needs are urgent too
      if (const NodeId made_by = dag_.producer(file); made_by != kNoNode) urgent_[made_by] = 1;
    }
  }
}

Result<void> PlannedJobs::ask_priorities(const MustRun& must_run) {
  std::vector<NodeId> nodes;
  for (const NodeId node : dag_.order()) {
    if (must_run(node)) nodes.push_back(node);
  }
  return ask_priorities(nodes);
}

Result<void> PlannedJobs::ask_priorities(std::span<const NodeId> nodes) {
  std::vector<NodeId> asked;
  for (const NodeId node : nodes) {
    if (rules_[dag_.node(node).rule].rule.has_priority_function) asked.push_back(node);
  }
  for (std::size_t begin = 0; begin < asked.size(); begin += kEvaluatorBatch) {
    const auto batch = std::span(asked).subspan(begin, std::min(kEvaluatorBatch, asked.size() - begin));
    std::vector<DetailQuestion> questions;
    for (const NodeId node : batch)
      questions.push_back({.job = view_of(dag_, rules_, node), .priority = true});
    const auto answers = evaluator_.details(questions);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!answers[i]) return fail(located(answers[i].error(), rules_[dag_.node(batch[i]).rule].rule));
      priorities_[batch[i]] = answers[i]->priority;
    }
  }
  return {};
}

// ---- jobs and what they depend on

void PlannedJobs::make_room() {
  jobs_.resize(dag_.size(), plan::kNoJob);
  depths_.resize(dag_.size(), 0);
  urgent_.resize(dag_.size(), 0);
}

void PlannedJobs::add_job(NodeId node) {
  const Rule& rule = rules_[dag_.node(node).rule].rule;
  plan::Job job;
  job.priority = rule.has_priority_function ? priorities_[node] : rule.priority;
  job.depth = depths_[node];
  job.retries = static_cast<std::uint16_t>(rule.retries.value_or(options_.retries));
  job.urgent = urgent_[node];
  jobs_[node] = graph_->add(job);
  nodes_.push_back(node);
  if (dag_.is_unanswered(node)) graph_->hold(jobs_[node]);
}

// KNOWN: inputs on whose jobs it depends already.
void PlannedJobs::add_dependencies(NodeId node, const std::set<FileId>& known) {
  NodeId last = kNoNode;
  for (const FileId file : dag_.inputs(node)) {
    const NodeId made_by = dag_.producer(file);
    if (made_by == kNoNode || made_by == last || jobs_[made_by] == plan::kNoJob) continue;
    if (!known.empty() && known.contains(file)) continue;
    if (start_together(node, made_by)) continue;
    graph_->depend(jobs_[node], jobs_[made_by]);
    last = made_by;
  }
}

bool PlannedJobs::start_together(NodeId a, NodeId b) const {
  return gangs_ != nullptr && gangs_->are_partners(a, b) && starts_together_(*gangs_->of(a));
}

void PlannedJobs::bind_gangs() {
  if (gangs_ == nullptr) return;
  for (; bound_ < gangs_->all().size(); ++bound_) {
    const Gangs::Gang& gang = gangs_->all()[bound_];
    if (gang.nodes.empty() || !starts_together_(gang)) continue;
    plan::JobGraph::Gang bound;
    for (const NodeId node : gang.nodes) bound.jobs.push_back(jobs_[node]);
    for (const auto& [service, user] : gang.serves) bound.serves.emplace_back(jobs_[service], jobs_[user]);
    graph_->bind(std::move(bound));
  }
}

void PlannedJobs::plan(plan::JobGraph& graph, const MustRun& must_run) {
  graph_ = &graph;
  make_room();
  find_depths(dag_.order(), must_run);
  find_urgent(dag_.order());
  for (const NodeId node : dag_.order()) {
    if (!must_run(node)) continue;
    add_job(node);
    add_dependencies(node);
  }
  bind_gangs();
  put_before_updates([](NodeId) { return true; });
}

// A job that reads a file as it is before its update runs before the job that updates it, unless it needs that job.
// CONCERNS: the jobs for which this is to be seen to.
void PlannedJobs::put_before_updates(const MustRun& concerns) {
  std::map<NodeId, std::vector<NodeId>> before;  // by updater
  for (const auto& [reader, file] : dag_.early_readers()) {
    const NodeId updater = dag_.producer(file);
    if (updater == kNoNode || updater == reader || !is_pending(reader) || !is_pending(updater)) continue;
    if (!(concerns(reader) || concerns(updater)) || needs(reader, updater, before)) continue;
    graph_->depend(jobs_[updater], jobs_[reader]);
    before[updater].push_back(reader);
  }
}

// Whether NODE comes after OTHER. MORE: jobs that others wait for beside those that make their inputs.
bool PlannedJobs::needs(NodeId node, NodeId other, const std::map<NodeId, std::vector<NodeId>>& more) const {
  std::set<NodeId> seen{node};
  std::vector<NodeId> waiting{node};
  while (!waiting.empty()) {
    const NodeId next = waiting.back();
    waiting.pop_back();
    if (next == other) return true;
    if (const auto readers = more.find(next); readers != more.end()) {
      for (const NodeId reader : readers->second)
        if (seen.insert(reader).second) waiting.push_back(reader);
    }
    for (const FileId file : dag_.inputs(next)) {
      const NodeId made_by = dag_.producer(file);
      if (made_by != kNoNode && seen.insert(made_by).second) waiting.push_back(made_by);
    }
  }
  return false;
}

bool PlannedJobs::is_pending(NodeId node) const {
  const plan::JobId known = job(node);
  if (known == plan::kNoJob) return false;
  const plan::JobState state = graph_->state(known);
  return state == plan::JobState::kWaiting || state == plan::JobState::kReady;
}

Result<void> PlannedJobs::grow(const GrowthStep& step, const Consumers& consumers) {
  make_room();
  for (const NodeId node : step.dropped) {
    if (is_pending(node)) graph_->drop(jobs_[node]);
    jobs_[node] = plan::kNoJob;
  }
  FURROW_TRY(ask_priorities(step.due));
  const std::set<NodeId> due(step.due.begin(), step.due.end());
  const auto is_due = [&](NodeId node) { return due.contains(node); };
  std::vector<NodeId> changed = step.extension.added;
  for (const Extension::Answered& answered : step.extension.answered) changed.push_back(answered.node);
  find_depths(changed, [&](NodeId node) { return is_due(node) || is_pending(node); });
  find_urgent(changed);
  for (const NodeId node : step.due) add_job(node);
  for (const NodeId node : step.due) {
    add_dependencies(node);
    consumers.for_each(node, [&](const Consumers::Edge& edge) {  // jobs that were planned before
      if (!is_due(edge.consumer) && is_pending(edge.consumer) && !start_together(edge.consumer, node))
        graph_->depend(jobs_[edge.consumer], jobs_[node]);
    });
  }
  bind_gangs();
  for (const Extension::Answered& answered : step.extension.answered) {
    if (is_due(answered.node) || !is_pending(answered.node)) continue;
    std::set<FileId> known;  // but for those whose jobs are due only now
    for (const FileId file : answered.before) {
      if (const NodeId made_by = dag_.producer(file); made_by != kNoNode && !is_due(made_by))
        known.insert(file);
    }
    add_dependencies(answered.node, known);
    const bool waits = dag_.is_unanswered(answered.node);
    if (answered.has_waited && !waits) graph_->resume(jobs_[answered.node]);
    if (!answered.has_waited && waits) graph_->hold(jobs_[answered.node]);
  }
  const std::set<NodeId> concerned(changed.begin(), changed.end());
  put_before_updates([&](NodeId node) { return is_due(node) || concerned.contains(node); });
  return {};
}

}  // namespace furrow::workflow
