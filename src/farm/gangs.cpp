#include "farm/gangs.hpp"

#include <utility>

#include "os/events/clock.hpp"
#include "plan/gang_demand.hpp"

namespace furrow::farm {

using plan::DemandId;
using plan::Exit;
using plan::JobId;

namespace {
constexpr double kLookAgain_s = 0.05;
}

Gangs::Gangs(plan::JobGraph& graph, plan::Resources& resources, plan::JobSource& source,
             plan::Executor& executor, os::EventLoop& loop)
    : graph_(graph), resources_(resources), source_(source), executor_(executor), loop_(loop) {}

std::size_t Gangs::size_of(JobId job) const {
  const Gang* const gang = graph_.gang(job);
  return gang == nullptr ? 1 : gang->jobs.size();
}

std::string Gangs::title(JobId job) const {
  const plan::JobName name = source_.name(job);
  return name.wildcards.empty() ? name.rule : name.rule + " (" + name.wildcards + ")";
}

Result<DemandId> Gangs::demand_of(const Gang& gang, int attempt, const plan::Budget& budget, JobId& culprit) {
  const std::vector<Result<DemandId>> demands = source_.demands(gang.jobs, attempt);
  std::vector<DemandId> all;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < demands.size(); ++i) {
    if (!demands[i]) {
      culprit = gang.jobs[i];
      return fail(demands[i].error());
    }
    graph_.set_demand(gang.jobs[i], *demands[i]);
    all.push_back(*demands[i]);
    names.push_back(title(gang.jobs[i]));
  }
  return resources_.demand(FURROW_TRY(plan::gang_amounts(all, resources_, budget, names)));
}

std::vector<Exit> Gangs::exits_unstarted(const Gang& gang, JobId culprit, int attempt,
                                         const Error& error) const {
  std::vector<Exit> exits;
  for (const JobId job : gang.jobs) {
    const plan::JobState state = graph_.state(job);
    if (state != plan::JobState::kWaiting && state != plan::JobState::kReady)
      continue;  // dropped, or skipped
    const bool is_culprit = job == culprit;
    exits.insert(is_culprit ? exits.begin() : exits.end(),
                 Exit{.job = job,
                      .attempt = attempt,
                      .status = -1,
                      .error = is_culprit ? error.to_string() : ended_with(title(culprit)),
                      .started_at = os::wall_seconds()});
  }
  return exits;
}

void Gangs::begin(const Gang& gang, int attempt, std::vector<Start> starts) {
  running_.insert_or_assign(gang.jobs.front(), RunningGang(gang, attempt, std::move(starts)));
}

void Gangs::ended(const Gang& gang, Exit exit) {
  running_.at(gang.jobs.front()).ended(std::move(exit), [&](JobId job) { return source_.is_up(job); });
}

std::vector<JobId> Gangs::look(bool is_stopping, const std::function<void(Start&)>& start) {
  std::vector<JobId> over;
  bool is_waiting = false;
  for (auto& [first, gang] : running_) {
    if (is_stopping) gang.stop();
    for (Start& starting : gang.take_startable([&](JobId job) { return source_.is_up(job); }))
      start(starting);
    for (const JobId job : gang.take_to_end()) executor_.interrupt(job, false);
    is_waiting |= gang.has_waiting();
    if (gang.is_over()) over.push_back(first);
  }
  if (is_waiting) wake_soon();
  return over;
}

std::optional<RunningGang> Gangs::take(JobId first, bool may_wait) {
  const auto found = running_.find(first);
  const RunningGang& gang = found->second;
  const bool has_succeeded = gang.culprit() == plan::kNoJob && !gang.was_cancelled();
  if (has_succeeded && may_wait && has_pending_outputs(gang)) {
    wake_soon();
    return std::nullopt;
  }
  return std::move(running_.extract(found).mapped());
}

bool Gangs::has_pending_outputs(const RunningGang& gang) const {
  const std::vector<Exit> exits = gang.exits({});
  return std::any_of(exits.begin(), exits.end(),
                     [&](const Exit& exit) { return source_.outputs_pending(exit); });
}

void Gangs::wake_soon() {
  if (timer_ == 0) timer_ = loop_.after(kLookAgain_s, [this] { timer_ = 0; });
}

void Gangs::stop_waiting() {
  if (timer_ != 0) loop_.cancel(std::exchange(timer_, 0));
}

}  // namespace furrow::farm
