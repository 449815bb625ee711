#include "cli/run/run_check.hpp"

#include <algorithm>
#include <cstdio>

#include "base/printable.hpp"
#include "base/strings.hpp"
#include "cli/report_error.hpp"
#include "cli/run/cluster_run.hpp"
#include "os/events/clock.hpp"
#include "plan/gang_demand.hpp"
#include "workflow/dag/identity.hpp"

namespace furrow::cli {

namespace {

constexpr std::size_t kBatch = 500;  // jobs for each message

}  // namespace

std::string job_title(WorkflowSession& session, workflow::NodeId node) {
  const workflow::CompiledRule& rule = session.rules()[session.dag().node(node).rule];
  const std::string wildcards =
      one_line(workflow::show_wildcards(rule, session.dag().values(node, session.rules())));
  return wildcards.empty() ? rule.rule.name : rule.rule.name + " (" + wildcards + ")";
}

RunCheck::RunCheck(WorkflowSession& session)
    : session_(session),
      demands_(session.dag(), session.rules(), session.evaluator(), resources_, session.most_threads()),
      preview_(session.dag(), session.rules(), session.states(), session.evaluator(), demands_,
               [&session](workflow::NodeId node) { return session.staleness().must_run(node); }),
      may_be_adopted_(has_left_batches()),
      quota_(session.staleness().count() <= kMostJobs
                 ? kMostJobs
                 : std::max<std::size_t>(1, kMostJobs / std::max<std::size_t>(1, session.rules().size()))),
      looked_at_(session.rules().size(), 0) {
  session.set_scopes(demands_);
}

// A job that an earlier engine has left running on a cluster has been rendered, and its temp inputs may be gone.
bool RunCheck::is_in_flight(workflow::NodeId node) {
  if (!may_be_adopted_ || !session_.store()) return false;
  const auto record = session_.store()->find(workflow::record_key(session_.dag(), session_.rules(), node));
  return record && *record && (*record)->phase == store::JobPhase::kStarted;
}

bool RunCheck::wants(workflow::NodeId node) {
  const workflow::CompiledRule& rule = session_.rules()[session_.dag().node(node).rule];
  const bool has_text = rule.rule.kind != workflow::RuleKind::kNone || rule.rule.has_message;
  const std::size_t most = !rule.rule.is_uniform ? quota_ : has_text ? 1 : 0;
  if (looked_at_[rule.id] >= most || session_.options().touch || is_in_flight(node)) return false;
  if (session_.dag().is_unanswered(node)) return false;  // what it executes is not known yet
  ++looked_at_[rule.id];
  return true;
}

std::vector<Result<workflow::Preparation>> RunCheck::look(std::span<const workflow::NodeId> nodes) {
  auto seen = preview_.of(nodes);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (seen[i]) continue;
    const workflow::RuleId rule = session_.dag().node(nodes[i]).rule;
    if (!session_.rules()[rule].rule.is_uniform || !preview_.check_outputs(nodes[i])) {
      note(nodes[i], seen[i].error());
    } else if (!found_.contains(rule)) {
      note(nodes[i], seen[i].error(), jobs_of(rule));
    }
  }
  return seen;
}

std::size_t RunCheck::jobs_of(workflow::RuleId rule) const {
  const auto& order = session_.dag().order();
  return static_cast<std::size_t>(std::count_if(order.begin(), order.end(), [&](workflow::NodeId node) {
    return session_.dag().node(node).rule == rule && session_.staleness().must_run(node);
  }));
}

void RunCheck::note(workflow::NodeId node, const Error& error, std::size_t jobs) {
  failed_ += jobs;
  Found& found = found_[session_.dag().node(node).rule];
  const bool is_first = found.jobs == 0;
  found.jobs += jobs;
  if (!is_first) return;
  found.first = error;
  found.job = job_title(session_, node);
}

void RunCheck::look_at_outputs(workflow::NodeId node) {
  if (session_.options().touch || is_in_flight(node)) return;
  if (const auto ready = preview_.check_outputs(node); !ready) note(node, ready.error());
}

void RunCheck::look_at_submissions() {
  const std::string& text = session_.options().executor.submit;
  if (text.empty() || !session_.options().executor.is_cluster() || session_.options().touch) return;
  std::vector<char> is_known(session_.rules().size(), 0);
  for (const workflow::NodeId node : session_.dag().order()) {
    const workflow::CompiledRule& rule = session_.rules()[session_.dag().node(node).rule];
    if (!session_.staleness().must_run(node) || rule.rule.is_local ||
        rule.rule.kind == workflow::RuleKind::kNone || std::exchange(is_known[rule.id], 1))
      continue;
    if (const auto filled = preview_.check_submission(node, text); !filled) note(node, filled.error());
  }
}

void RunCheck::look_at_gangs() {
  if (session_.gangs() == nullptr || session_.options().touch) return;
  plan::Budget here, submitted;
  here.set_limit(plan::kCores, session_.cores_at_a_time());
  if (const auto& cores = session_.options().cores; cores && *cores != "all")
    submitted.set_limit(plan::kCores, session_.cores());
  for (const auto& [name, limit] : session_.limits()) {
    here.set_limit(resources_.index(name), limit);
    submitted.set_limit(resources_.index(name), limit);
  }
  for (const workflow::Gangs::Gang& gang : session_.gangs()->all()) {
    if (gang.nodes.empty()) continue;
    const plan::Budget& budget = session_.runs_here(gang) ? here : submitted;
    std::vector<plan::DemandId> all;
    std::vector<std::string> names;
    for (const auto& demand : demands_.find(gang.nodes, 1, true)) {
      if (demand) all.push_back((*demand)->id);
    }
    for (const workflow::NodeId node : gang.nodes) names.push_back(job_title(session_, node));
    const auto sum = plan::gang_amounts(all, resources_, budget, names);
    if (!sum)
      note(gang.nodes.front(),
           workflow::located(sum.error(),
                             session_.rules()[session_.dag().node(gang.nodes.front()).rule].rule));
  }
}

void RunCheck::look_at_all(double most_s) {
  const double end = os::monotonic_seconds() + most_s;
  std::vector<workflow::NodeId> batch;
  for (const workflow::NodeId node : session_.dag().order()) {
    if (!session_.staleness().must_run(node)) continue;
    if (!wants(node) || os::monotonic_seconds() > end) {
      look_at_outputs(node);
      continue;
    }
    batch.push_back(node);
    if (batch.size() < kBatch) continue;
    look(batch);
    batch.clear();
  }
  if (!batch.empty()) look(batch);
}

void RunCheck::report() const {
  for (const auto& [rule, found] : found_) {
    report_error(found.first);
    std::string text = "  It is about the job " + found.job;
    if (found.jobs > 1)
      text += ", and the same rule has " + count_of(found.jobs - 1, "more job") + " that cannot run";
    print_message(stderr, text + ".");
  }
}

}  // namespace furrow::cli
