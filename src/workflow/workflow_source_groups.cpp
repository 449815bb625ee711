// The part of WorkflowSource that handles groups: a leader takes the other members along.
#include <algorithm>
#include <set>

#include "workflow/workflow_source.hpp"

namespace furrow::workflow {

// ---- planning

void WorkflowSource::plan_groups(plan::JobGraph& graph) {
  for (const JobGroups::Group& group : groups_->all()) {
    const plan::BarrierId barrier = graph.add_barrier();
    std::set<plan::JobId> outside;
    for (const NodeId node : group.nodes) {
      members_.try_emplace(planned_.job(node));
      for (const FileId file : dag_.inputs(node)) {
        const NodeId made_by = dag_.producer(file);
        if (made_by == kNoNode || planned_.job(made_by) == plan::kNoJob) continue;
        if (groups_->group_of(made_by) != groups_->group_of(node)) outside.insert(planned_.job(made_by));
      }
    }
    for (const plan::JobId job : outside) graph.barrier_waits_for(barrier, job);
    for (const NodeId node : group.nodes) graph.wait_at_barrier(planned_.job(node), barrier);
  }
}

std::vector<plan::JobId> WorkflowSource::jobs_of_group(plan::JobId job) const {
  std::vector<plan::JobId> all;
  for (const NodeId node : groups_->all()[groups_->group_of(nodes_[job])].nodes)
    all.push_back(planned_.job(node));
  return all;
}

const std::string& WorkflowSource::group_name(plan::JobId job) const {
  return groups_->all()[groups_->group_of(nodes_[job])].name;
}

// The jobs of JOB's own group that it needs directly.
std::vector<plan::JobId> WorkflowSource::needs_of_group(plan::JobId job) const {
  std::vector<plan::JobId> needed;
  const std::uint32_t group = groups_->group_of(nodes_[job]);
  for (const FileId file : dag_.inputs(nodes_[job])) {
    const NodeId made_by = dag_.producer(file);
    if (made_by == kNoNode || groups_->group_of(made_by) != group || planned_.job(made_by) == plan::kNoJob)
      continue;
    if (std::find(needed.begin(), needed.end(), planned_.job(made_by)) == needed.end())
      needed.push_back(planned_.job(made_by));
  }
  return needed;
}

// ---- preparing

// Appends the jobs that those in ASKED may take along and that are not prepared yet. Their demands are looked
// up first, as far as they can be known now.
void WorkflowSource::add_group_members(std::vector<plan::JobId>& asked) {
  const std::set<plan::JobId> known(asked.begin(), asked.end());
  std::set<std::uint32_t> groups;
  std::vector<plan::JobId> idle;
  std::vector<NodeId> nodes;
  for (const plan::JobId job : known) {
    if (!is_member(job) || !groups.insert(groups_->group_of(nodes_[job])).second) continue;
    for (const plan::JobId other : jobs_of_group(job)) {
      const Member& member = members_.at(other);
      if (member.state != Member::State::kIdle || member.launch || known.contains(other)) continue;
      idle.push_back(other);
      nodes.push_back(nodes_[other]);
    }
  }
  auto demands = demands_.find(nodes, 1, true);
  for (std::size_t i = 0; i < idle.size(); ++i) {
    if (!demands[i]) continue;
    running_[idle[i]].demand = std::move(*demands[i]);
    running_[idle[i]].is_ahead = true;
    if (needs_no_command(idle[i])) {
      keep_ahead(idle[i], Preparation{});
    } else {
      asked.push_back(idle[i]);
    }
  }
}

// A job that cannot be prepared yet is prepared again when it is ready; an error is reported then.
void WorkflowSource::keep_ahead(plan::JobId job, Result<Preparation> preparation) {
  Member& member = members_.at(job);
  if (!preparation || member.state != Member::State::kIdle) return;
  const deploy::Environment& environment = environment_of(job, *preparation);
  if (environments_ != nullptr && !environments_->environments().is_ready(environment)) return;
  Result<plan::Launch> launch = launch_of(job, 1, std::move(*preparation));
  if (launch) member.launch = std::move(*launch);
}

// ---- taking along

// Whether other members may use the job's outputs as soon as it ends: the engine need not move or check them.
bool WorkflowSource::may_be_followed(plan::JobId job) const {
  const CompiledRule& rule = rules_[dag_.node(nodes_[job]).rule];
  return rule.rule.shadow.empty() && rule.rule.repeats == 1 &&
         std::none_of(rule.outputs.begin(), rule.outputs.end(),
                      [](const Template& t) { return t.ensure != nullptr; });
}

std::vector<plan::JobId> WorkflowSource::choose_members(plan::JobId leader) const {
  std::vector<plan::JobId> chosen{leader};
  std::set<plan::JobId> going{leader};
  for (const plan::JobId job : jobs_of_group(leader)) {
    const Member& member = members_.at(job);
    if (member.state != Member::State::kIdle || !member.launch ||
        !rules_[dag_.node(nodes_[job]).rule].rule.shadow.empty())
      continue;
    const std::vector<plan::JobId> needed = needs_of_group(job);
    const bool can_go = std::all_of(needed.begin(), needed.end(), [&](plan::JobId before) {
      return members_.at(before).state == Member::State::kDone ||
             (going.contains(before) && (are_partners(job, before) || may_be_followed(before)));
    });
    if (!can_go) continue;
    if (in_flight_jobs_ != nullptr && recorder_ != nullptr && recorder_->is_open(key(job)) &&
        in_flight_jobs_->look({key(job), identity(job), {}}) != plan::InFlightJobs::Answer::kNo)
      continue;  // an earlier engine submitted it already
    going.insert(job);
    chosen.push_back(job);
  }
  return chosen;
}

// Adds to LEFT, of those that were chosen, the jobs that cannot go without a job that is left or was not chosen: those that
// need it, and those that run at once with it.
void WorkflowSource::find_left(std::set<plan::JobId>& left, const std::vector<plan::JobId>& chosen) const {
  const std::set<plan::JobId> all(chosen.begin(), chosen.end());
  const auto is_out = [&](plan::JobId job) { return left.contains(job) || !all.contains(job); };
  for (bool changes = true; changes;) {
    changes = false;
    for (const plan::JobId job : chosen) {
      if (left.contains(job)) continue;
      const std::vector<plan::JobId> needed = needs_of_group(job);
      bool stays = std::any_of(needed.begin(), needed.end(), [&](plan::JobId j) { return left.contains(j); });
      if (const Gangs::Gang* const gang = gang_of(job)) {
        stays |= std::any_of(gang->nodes.begin(), gang->nodes.end(),
                             [&](NodeId node) { return is_out(planned_.job(node)); });
      }
      if (stays) changes = left.insert(job).second;
    }
  }
}

Result<void> WorkflowSource::take_along(plan::JobId leader) {
  const std::vector<plan::JobId> chosen = choose_members(leader);
  std::set<plan::JobId> left;
  for (const plan::JobId job : std::span(chosen).subspan(1)) {
    if (!files_.before(nodes_[job])) left.insert(job);
  }
  find_left(left, chosen);
  if (left.contains(leader))
    return fail(rule_error(rules_[dag_.node(nodes_[leader]).rule].rule,
                           "the jobs with which " + name(leader).rule +
                               " runs at once, because of a pipe or a service, cannot start now",
                           "Run again: then all of them are started."));
  if (chosen.size() == 1) return {};
  if (auto demand = demand_of_group(group_members(chosen), {}); !demand) {
    const Rule& rule = rules_[dag_.node(nodes_[leader]).rule].rule;
    return fail(located(std::move(demand.error()), rule));
  }
  std::vector<plan::JobId> taken{leader};
  for (const plan::JobId job : std::span(chosen).subspan(1)) {
    if (left.contains(job)) continue;
    if (recorder_) {
      std::optional<store::JobRecord>& record = running_[job].record;
      record = make_record(job, 1);
      FURROW_TRY(recorder_->started(nodes_[job], *record));
    }
    members_.at(job).state = Member::State::kAhead;
    taken.push_back(job);
  }
  if (taken.size() > 1) together_[leader] = std::move(taken);
  return {};
}

Result<void> WorkflowSource::start_ahead(plan::JobId job) {
  members_.at(job).state = Member::State::kStarted;
  taken_over_.insert(job);
  if (!recorder_) return {};
  recorder_->prefetch(nodes_[job]);
  if (std::optional<store::JobRecord>& record = running_[job].record) recorder_->stamp_made_inputs(*record);
  return {};
}

// The jobs taken along that need the failed one do not run. Its next attempt, if any, takes them along again.
void WorkflowSource::drop_dependents(plan::JobId failed, const plan::Exit& exit, bool will_retry) {
  std::set<plan::JobId> behind{failed};
  for (const plan::JobId job : jobs_of_group(failed)) {
    const std::vector<plan::JobId> needed = needs_of_group(job);
    if (members_.at(job).state != Member::State::kAhead ||
        std::none_of(needed.begin(), needed.end(), [&](plan::JobId j) { return behind.contains(j); }))
      continue;
    behind.insert(job);
    drop(job, exit, will_retry);
  }
}

// The jobs that a leader was to take along when it could not start. Those that do not need it will start later.
void WorkflowSource::drop_together(plan::JobId leader, const plan::Exit& exit, bool will_retry) {
  const auto node = together_.extract(leader);
  if (!node) return;
  for (const plan::JobId job : std::span(node.mapped()).subspan(1)) drop(job, exit, will_retry);
}

void WorkflowSource::drop(plan::JobId member, const plan::Exit& exit, bool will_retry) {
  members_.at(member) = {};
  if (!recorder_ || will_retry) return;
  store::JobRecord record = make_record(member, 1);
  record.phase = store::JobPhase::kFailed;
  record.status = -1;
  record.started_at = record.finished_at = exit.started_at;
  (void)recorder_->ended(nodes_[member], std::move(record));
}

// ---- for executors

std::vector<WorkflowSource::Together> WorkflowSource::take_together(plan::JobId job) {
  const auto found = together_.find(job);
  if (found == together_.end()) return {};
  const std::vector<plan::JobId>& all = found->second;
  std::vector<NodeId> nodes;
  for (const plan::JobId each : all) nodes.push_back(nodes_[each]);
  const std::vector<FileId> used_up = files_.used_up_by(nodes);
  std::unordered_map<plan::JobId, std::uint32_t> places;
  std::vector<Together> together;
  for (const plan::JobId each : all) {
    Together& one = together.emplace_back(Together{each, {}, {}, batch_files(each, used_up)});
    if (each != job) one.launch = *members_.at(each).launch;
    const Gangs::Gang* const gang = gang_of(each);
    if (gang != nullptr) one.gang = gangs_->index_of(nodes_[each]) + 1;
    for (const plan::JobId needed : needs_of_group(each)) {
      const auto place = places.find(needed);
      if (place == places.end()) continue;
      if (!are_partners(each, needed)) one.after.push_back(place->second);
      const std::pair serves(nodes_[needed], nodes_[each]);
      if (gang != nullptr &&
          std::find(gang->serves.begin(), gang->serves.end(), serves) != gang->serves.end())
        one.uses.push_back(place->second);
    }
    places.emplace(each, static_cast<std::uint32_t>(together.size() - 1));
  }
  return together;
}

plan::BatchFiles WorkflowSource::batch_files(plan::JobId job, const std::vector<FileId>& used_up) const {
  plan::BatchFiles files;
  const CompiledRule& rule = rules_[dag_.node(nodes_[job]).rule];
  const auto outputs = dag_.outputs(nodes_[job], rules_);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const FileFlags flags = rule.outputs[i].flags;
    const std::string path(dag_.files.view(outputs[i]));
    if (!rule.rule.shadow.empty()) break;  // they are still in the shadow folder
    if (flags & kPassing) {
      (flags & kPipe ? files.pipes : files.services).push_back(path);
    } else if (flags & kTouch && !(flags & kDirectory)) {
      files.touched.push_back(path);
    } else if (!(flags & kTouch)) {
      (flags & kDirectory ? files.folders : files.files).push_back(path);
    }
  }
  for (const FileId file : dag_.inputs(nodes_[job])) {
    if (std::find(used_up.begin(), used_up.end(), file) != used_up.end())
      files.temporary.emplace_back(dag_.files.view(file));
  }
  return files;
}

std::vector<GroupMember> WorkflowSource::group_members(const std::vector<plan::JobId>& jobs) const {
  std::vector<GroupMember> members;
  const auto depths = depths_in_group(jobs);
  for (const plan::JobId job : jobs) {
    const auto& rule = rules_[dag_.node(nodes_[job]).rule].rule;
    const JobDemands::SharedDemand demand = demand_of(job, 1);
    const std::uint32_t gang = gang_of(job) ? gangs_->index_of(nodes_[job]) + 1 : 0;
    if (demand && rule.kind != RuleKind::kNone) members.push_back({demand, depths.at(job), rule.name, gang});
  }
  return members;
}

// Those that run at once are equally deep.
std::unordered_map<plan::JobId, std::uint32_t> WorkflowSource::depths_in_group(
    const std::vector<plan::JobId>& jobs) const {
  std::unordered_map<plan::JobId, std::uint32_t> depths;
  for (const plan::JobId job : jobs) depths[job] = 0;
  for (bool changes = true; changes;) {
    changes = false;
    for (const plan::JobId job : jobs) {
      std::uint32_t depth = depths.at(job);
      for (const plan::JobId needed : needs_of_group(job)) {
        const auto before = depths.find(needed);
        if (before != depths.end())
          depth = std::max(depth, before->second + (are_partners(job, needed) ? 0 : 1));
      }
      const auto raise = [&](plan::JobId raised) {
        const auto known = depths.find(raised);
        if (known == depths.end() || known->second >= depth) return;
        known->second = depth;
        changes = true;
      };
      raise(job);
      if (const Gangs::Gang* const gang = gang_of(job)) {
        for (const NodeId node : gang->nodes) raise(planned_.job(node));
      }
    }
  }
  return depths;
}

Result<JobDemands::Demand> WorkflowSource::demand_together(
    plan::JobId job, const std::map<std::string, std::int64_t>& limits) const {
  return demand_of_group(group_members(together_.at(job)), limits);
}

JobView WorkflowSource::view_together(plan::JobId job) const {
  JobView all = view(job, 1);
  std::set<std::string> made;
  const std::vector<plan::JobId>& together = together_.at(job);
  for (const plan::JobId each : together) {
    for (const FileId file : dag_.outputs(nodes_[each], rules_)) made.emplace(dag_.files.view(file));
  }
  std::set<std::string> needed;
  all.input.clear();
  all.output.assign(made.begin(), made.end());
  all.log.clear();
  for (const plan::JobId each : together) {
    const JobView one = view_of(dag_, rules_, nodes_[each]);
    for (const std::string& file : one.input) {
      if (needed.insert(file).second && !made.contains(file)) all.input.push_back(file);
    }
    all.log.insert(all.log.end(), one.log.begin(), one.log.end());
    for (const auto& wildcard : one.wildcards) {
      const bool is_known = std::any_of(all.wildcards.begin(), all.wildcards.end(),
                                        [&](const auto& known) { return known.first == wildcard.first; });
      if (!is_known) all.wildcards.push_back(wildcard);
    }
    all.rules.insert(rules_[one.rule].rule.name);
  }
  std::erase_if(all.output, [&](const std::string& file) { return needed.contains(file); });
  all.group = group_name(job);
  return all;
}

// ---- temp files that the batch removes on its node

// Whether FILE may lie on a disk local to the node, where all the jobs that need it run too.
bool WorkflowSource::is_out_of_sight(FileId file) const {
  const NodeId made_by = dag_.producer(file);
  if (made_by == kNoNode || groups_ == nullptr || !is_member(planned_.job(made_by))) return false;
  return dag_.output_flags(file, rules_) & kTogether;
}

bool WorkflowSource::is_used_up(FileId file) {
  if (is_out_of_sight(file)) return true;
  if (in_flight_jobs_ == nullptr || !files_.is_temp(file)) return false;
  if (temp_users_.empty()) {
    for (plan::JobId job = 0; job < nodes_.size(); ++job) {
      for (const FileId input : dag_.inputs(nodes_[job])) {
        if (files_.is_temp(input)) temp_users_[input].push_back(job);
      }
    }
  }
  const auto users = temp_users_.find(file);
  return users != temp_users_.end() &&
         std::all_of(users->second.begin(), users->second.end(),
                     [&](plan::JobId job) { return in_flight_jobs_->has_succeeded(key(job)); });
}

}  // namespace furrow::workflow
