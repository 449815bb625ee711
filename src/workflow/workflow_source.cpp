#include "workflow/workflow_source.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "os/events/clock.hpp"
#include "workflow/dag/refusal.hpp"

namespace furrow::workflow {

namespace {

constexpr double kShortestLook_s = 0.01;

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

std::vector<std::string> products_of(const JobView& view) {
  std::vector<std::string> products = view.output;
  products.insert(products.end(), view.log.begin(), view.log.end());
  if (!view.benchmark.empty()) products.push_back(view.benchmark);
  return products;
}

}  // namespace

WorkflowSource::WorkflowSource(const Dag& dag, const RuleSet& rules, Evaluator& evaluator,
                               JobDemands& demands, JobFiles& files, Recorder* recorder,
                               SourceOptions options)
    : dag_(dag),
      rules_(rules),
      evaluator_(evaluator),
      demands_(demands),
      files_(files),
      recorder_(recorder),
      options_(std::move(options)),
      planned_(dag, rules, evaluator, {options_.retries, options_.prioritized}),
      nodes_(planned_.nodes()),
      host_(host_name()) {}

// ---- planning

Result<void> WorkflowSource::ask_priorities(const std::function<bool(NodeId)>& must_run) {
  return planned_.ask_priorities(must_run);
}

void WorkflowSource::set_gangs(Gangs* gangs, PlannedJobs::StartsTogether are_here) {
  gangs_ = gangs;
  are_here_ = are_here;
  planned_.set_gangs(gangs, std::move(are_here));
}

void WorkflowSource::plan(plan::JobGraph& graph, const std::function<bool(NodeId)>& must_run) {
  planned_.plan(graph, must_run);
  if (groups_ != nullptr) plan_groups(graph);
}

// Whether it is too late to decide whether NODE is to run.
bool WorkflowSource::is_settled(NodeId node) const {
  const plan::JobId job = planned_.job(node);
  if (job == plan::kNoJob) return false;
  const auto member = members_.find(job);
  return !planned_.is_pending(node) ||
         (member != members_.end() && member->second.state != Member::State::kIdle);
}

double WorkflowSource::grows_in_s() {
  if (growth_ == nullptr || !growth_->has_open_queues() || options_.touch_only) return 0;
  return std::max(kShortestLook_s, next_queue_look_ - os::monotonic_seconds());
}

Result<bool> WorkflowSource::have_queues_news() {
  const double now = os::monotonic_seconds();
  if (growth_ == nullptr || !growth_->has_open_queues() || now < next_queue_look_) return false;
  next_queue_look_ = now + options_.queue_wait_s;
  return evaluator_.has_queue_news();
}

Result<std::vector<plan::JobSource::Impossible>> WorkflowSource::grow() {
  std::vector<Impossible> impossible;
  const bool asks_queues = FURROW_TRY(have_queues_news());
  if (ended_.empty() && !asks_queues) return impossible;
  const std::vector<NodeId> ended = std::exchange(ended_, {});
  const GrowthStep step = FURROW_TRY(growth_->after(
      ended, [this](NodeId node) { return is_settled(node); }, asks_queues));
  if (step.empty()) return impossible;
  const auto without_partners = grow_gangs(step);
  FURROW_TRY(planned_.grow(step, growth_->consumers()));
  if (!options_.touch_only)
    files_.extend(
        step, [this](NodeId node) { return growth_->must_run(node); }, growth_->is_complete());
  if (recorder_) FURROW_TRY(recorder_->expect_more(step.due));
  temp_users_.clear();
  for (const auto& [node, error] : step.extension.failed) {
    if (planned_.is_pending(node)) impossible.push_back({planned_.job(node), error});
  }
  for (const auto& [node, error] : without_partners) {
    if (planned_.is_pending(node)) impossible.push_back({planned_.job(node), error});
  }
  return impossible;
}

// Returns jobs that cannot run.
std::vector<std::pair<NodeId, Error>> WorkflowSource::grow_gangs(const GrowthStep& step) {
  if (gangs_ == nullptr) return {};
  std::vector<NodeId> nodes = step.due;
  for (const Extension::Answered& answered : step.extension.answered) nodes.push_back(answered.node);
  return gangs_->extend(nodes, [this](NodeId node) { return growth_->must_run(node); });
}

// ---- running

JobView WorkflowSource::view(plan::JobId job, int attempt) const {
  JobView view = view_of(dag_, rules_, nodes_[job]);
  view.attempt = attempt;
  // The evaluator needs the folder's name before the folder exists.
  if (!rules_[view.rule].rule.shadow.empty() && !options_.touch_only)
    view.directory =
        os::absolute(options_.shadow_folder) + "/" + std::to_string(job) + "-" + std::to_string(attempt);
  const JobDemands::SharedDemand demand = demand_of(job, attempt);
  if (demand) {
    view.threads = demand->threads;
    view.resources = demand->resources;
  }
  const auto running = running_.find(job);
  if (running != running_.end()) view.is_ahead = running->second.is_ahead;
  if (!view.benchmark.empty())
    view.repetition = running == running_.end() ? 0 : static_cast<int>(running->second.runs.size());
  return view;
}

// Null if it could not be determined; demands() has reported the error then.
JobDemands::SharedDemand WorkflowSource::demand_of(plan::JobId job, int attempt) const {
  const auto running = running_.find(job);
  if (running != running_.end() && running->second.demand) return running->second.demand;
  auto found = demands_.find(std::span(&nodes_[job], 1), attempt);
  return found.front() ? *found.front() : nullptr;
}

const std::string& WorkflowSource::message(plan::JobId job) const {
  static const std::string kNone;
  const auto running = running_.find(job);
  return running == running_.end() ? kNone : running->second.message;
}

const std::string& WorkflowSource::command(plan::JobId job) const {
  static const std::string kNone;
  const auto running = running_.find(job);
  return running == running_.end() ? kNone : running->second.command;
}

std::vector<std::string> WorkflowSource::logs(plan::JobId job) const {
  return view_of(dag_, rules_, nodes_[job]).log;
}

std::string WorkflowSource::place(plan::JobId job) const {
  const Rule& rule = rules_[dag_.node(nodes_[job]).rule].rule;
  return rule.name + ", " + rule.file + ":" + std::to_string(rule.line);
}

bool WorkflowSource::is_local(plan::JobId job) const {
  const Rule& rule = rules_[dag_.node(nodes_[job]).rule].rule;
  if (const Gangs::Gang* const gang = gang_of(job); gang != nullptr && !options_.touch_only)
    return are_here_(*gang);
  return rule.is_local || rule.kind == RuleKind::kNone || options_.touch_only;
}

std::string WorkflowSource::key(plan::JobId job) const { return record_key(dag_, rules_, nodes_[job]); }

// Whether JOB was already started: with its leader, ahead of the farm, or by an earlier engine.
bool WorkflowSource::was_started(plan::JobId job) const {
  const auto member = members_.find(job);
  if (member != members_.end() && member->second.state == Member::State::kAhead) return true;
  return in_flight_jobs_ != nullptr && recorder_ != nullptr && recorder_->is_open(key(job));
}

std::vector<Result<plan::DemandId>> WorkflowSource::demands(std::span<const plan::JobId> jobs, int attempt) {
  std::vector<NodeId> nodes;
  for (const plan::JobId job : jobs) nodes.push_back(nodes_[job]);
  auto found = demands_.find(nodes, attempt);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    // The job was started earlier, so a temp file that its function reads may be gone already.
    // Pipes are not there yet.
    const bool is_ahead = !found[i] && (was_started(jobs[i]) || gang_of(jobs[i]) != nullptr);
    if (is_ahead) found[i] = demands_.find(std::span(&nodes[i], 1), attempt, true).front();
    if (rules_[dag_.node(nodes[i]).rule].has_detail_functions) running_[jobs[i]].is_ahead = is_ahead;
  }
  std::vector<Result<plan::DemandId>> ids;
  ids.reserve(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (!found[i]) {
      ids.push_back(fail(std::move(found[i].error())));
      continue;
    }
    ids.push_back((*found[i])->id);
    // A demand without functions is not kept, it is cheap to look up again: a million jobs may be ready.
    if (rules_[dag_.node(nodes[i]).rule].has_detail_functions)
      running_[jobs[i]].demand = std::move(*found[i]);
  }
  return ids;
}

// Whether there is nothing to ask before the job starts.
bool WorkflowSource::needs_no_command(plan::JobId job) const {
  const CompiledRule& rule = rules_[dag_.node(nodes_[job]).rule];
  return rule.rule.kind == RuleKind::kNone && !rule.rule.has_message && !rule.has_param_functions;
}

// Jobs that do not run need their params for their records. A function may fail that reads a temp file which
// is gone.
void WorkflowSource::prepare_touch(std::span<const plan::JobId> jobs, int attempt) {
  std::vector<DetailQuestion> questions;
  for (const plan::JobId job : jobs) {
    if (!rules_[dag_.node(nodes_[job]).rule].has_param_functions) continue;
    questions.push_back({.job = view_of(dag_, rules_, nodes_[job]), .params = true});
    questions.back().job.is_ahead = true;
  }
  auto answers = questions.empty() ? std::vector<Result<DetailAnswer>>() : evaluator_.details(questions);
  auto answer = answers.begin();
  for (const plan::JobId job : jobs) {
    Preparation preparation;
    if (rules_[dag_.node(nodes_[job]).rule].has_param_functions) {
      if (*answer) preparation.params = std::move((*answer)->params);
      ++answer;
    }
    take_preparation(job, attempt, std::move(preparation));
  }
}

void WorkflowSource::prepare(std::span<const plan::JobId> jobs, int attempt) {
  if (options_.touch_only) return prepare_touch(jobs, attempt);
  std::vector<JobView> views;
  std::vector<plan::JobId> asked;
  for (const plan::JobId job : jobs) {
    const auto member = members_.find(job);
    if (const std::string why = refusal_of(dag_, rules_, nodes_[job]); !why.empty()) {
      take_preparation(job, attempt, fail(rule_error(rules_[dag_.node(nodes_[job]).rule].rule, why)));
      continue;
    }
    if (attempt == 1 && member != members_.end() && member->second.launch) {
      listener_->on_prepared(job, attempt, *member->second.launch);
    } else if (needs_no_command(job)) {
      take_preparation(job, attempt, Preparation{});
    } else {
      asked.push_back(job);
    }
  }
  const std::size_t count = asked.size();
  for (const plan::JobId job : asked) views.push_back(view(job, attempt));
  if (!members_.empty()) add_group_members(asked);
  for (std::size_t i = count; i < asked.size(); ++i) views.push_back(view(asked[i], 1));
  if (views.empty()) return;
  evaluator_.prepare(views, [this, alive = std::weak_ptr<bool>(alive_), asked, count,
                             attempt](std::vector<Result<Preparation>> answers) {
    if (alive.expired()) return;
    for (std::size_t i = count; i < asked.size(); ++i) keep_ahead(asked[i], std::move(answers[i]));
    for (std::size_t i = 0; i < count; ++i) take_preparation(asked[i], attempt, std::move(answers[i]));
  });
}

void WorkflowSource::prefetch(plan::JobId job, int attempt) {
  if (!options_.touch_only) files_.look_at_outputs(nodes_[job]);
  if (!recorder_) return;
  running_[job].record = make_record(job, attempt);
  recorder_->prefetch(nodes_[job]);
}

// Checks whether an earlier engine left this job running. If so, this run must not touch its files.
Result<void> WorkflowSource::check_in_flight(plan::JobId job) {
  const NodeId node = nodes_[job];
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  plan::InFlightJobs::Question question{key(job), identity(job), {}};
  if (recorder_ == nullptr || !recorder_->is_open(question.key)) return {};
  for (const FileId file : dag_.inputs(node)) {
    const NodeId made_by = dag_.producer(file);
    question.inputs.push_back(
        {made_by == kNoNode ? std::string() : record_key(dag_, rules_, made_by), files_.mtime_ns(file)});
  }
  // Only the engine that started a job knows its shadow folder, so this run cannot take it over.
  if (!rule.rule.shadow.empty()) question.identity = ~question.identity;
  const plan::InFlightJobs::Answer answer = in_flight_jobs_->look(question);
  FURROW_LOG(workflow, info, "job {} ({}) was started by an earlier run: {}", job, question.key,
             answer == plan::InFlightJobs::Answer::kSame    ? "it is taken over"
             : answer == plan::InFlightJobs::Answer::kOther ? "it differs, and still runs"
                                                            : "it no longer runs");
  if (answer == plan::InFlightJobs::Answer::kSame) taken_over_.insert(job);
  if (answer != plan::InFlightJobs::Answer::kOther) return {};
  return fail(
      rule_error(rule.rule,
                 "this job is still running for a run that was killed, with other code, params or inputs: " +
                     in_flight_jobs_->describe(question.key),
                 "Wait until it has ended, or cancel it; then run again."));
}

Result<void> WorkflowSource::before_start(plan::JobId job, int attempt, plan::Launch& launch) {
  const NodeId node = nodes_[job];
  const auto member = members_.find(job);
  if (member != members_.end() && member->second.state == Member::State::kAhead) return start_ahead(job);
  if (const Running& running = running_[job]; !running.runs.empty()) {
    if (running.shadow) launch.directory = running.shadow->path();
    return {};
  }
  taken_over_.erase(job);
  running_[job].owns_outputs = false;
  if (in_flight_jobs_ != nullptr && attempt == 1 && !options_.touch_only) {
    FURROW_TRY(check_in_flight(job));
  }
  if (!options_.touch_only && !is_taken_over(job)) {
    FURROW_TRY(files_.before(node));
    FURROW_TRY(enter_shadow(job, attempt, launch));
  }
  if (member != members_.end()) member->second.state = Member::State::kStarted;
  together_.erase(job);
  // With --touch nothing runs that could be interrupted.
  if (!recorder_ || options_.touch_only) return {};
  std::optional<store::JobRecord>& record = running_[job].record;
  if (!record || record->attempt != attempt) record = make_record(job, attempt);
  // Only the engine that started it knows which inputs it began with.
  const auto left = is_taken_over(job) ? recorder_->left_open(key(job)) : nullptr;
  FURROW_TRY(recorder_->started(node, *record, left ? *left : Recorder::Stamps{}));
  const bool may_lead = is_member(job) && !is_taken_over(job) && launch.kind != plan::Launch::Kind::kNothing;
  return may_lead ? take_along(job) : Result<void>{};
}

Result<void> WorkflowSource::clear_outputs(plan::JobId job) {
  running_[job].owns_outputs = !options_.touch_only;
  // The engine, or the leader, that started the job has removed them.
  if (options_.touch_only || is_taken_over(job) || !running_[job].runs.empty()) return {};
  FURROW_TRY(clear(job));
  const auto together = together_.find(job);
  if (together == together_.end()) return {};
  for (const plan::JobId member : std::span(together->second).subspan(1)) {
    FURROW_TRY(clear(member));
  }
  return {};
}

Result<void> WorkflowSource::clear(plan::JobId job) {
  auto cleared = files_.clear(nodes_[job]);
  if (const Gangs::Gang* const gang = gang_of(job); cleared && gang != nullptr && are_here_(*gang))
    cleared = files_.make_pipes(nodes_[job]);
  running_[job].owns_outputs = cleared.has_value();
  return cleared;
}

Result<void> WorkflowSource::enter_shadow(plan::JobId job, int attempt, plan::Launch& launch) {
  const std::string& kind = rules_[dag_.node(nodes_[job]).rule].rule.shadow;
  if (kind.empty()) return {};
  const JobView seen = view(job, attempt);
  auto shadow = Shadow::make(kind, seen.directory, seen.input, products_of(seen), seen.output);
  if (!shadow) return fail(std::move(shadow.error()));
  for (std::size_t i = 0; i < seen.output.size(); ++i) {
    if (rules_[seen.rule].outputs[i].flags & kUpdate) FURROW_TRY((*shadow)->bring_old(seen.output[i]));
  }
  launch.directory = seen.directory;
  running_[job].shadow = std::move(*shadow);
  return {};
}

// The checks of the outputs, if functions answer some of them: those may read what the job has made.
Result<std::vector<Ensure>> WorkflowSource::answered_checks(plan::JobId job) {
  const CompiledRule& rule = rules_[dag_.node(nodes_[job]).rule];
  if (std::none_of(rule.outputs.begin(), rule.outputs.end(),
                   [](const Template& output) { return output.ensure && output.ensure->has_function; }))
    return std::vector<Ensure>();
  const DetailQuestion question{.job = view(job, 1), .ensure = true};
  auto answer = std::move(evaluator_.details({&question, 1}).front());
  if (!answer) return fail(located(std::move(answer.error()), rule.rule));
  return std::move(answer->ensure);
}

Result<void> WorkflowSource::check_and_move(plan::JobId job) {
  const NodeId node = nodes_[job];
  if (const auto running = running_.find(job); running != running_.end() && running->second.shadow) {
    FURROW_TRY(running->second.shadow->move_out(products_of(view(job, 1))));
    running->second.shadow.reset();
  }
  const std::vector<Ensure> checks = FURROW_TRY(answered_checks(job));
  return files_.after(
      node, [this](FileId file) { return is_used_up(file); }, checks);
}

// `benchmark: repeat(..., N)`: the job runs N times, in the same folder and with what it has made before.
bool WorkflowSource::runs_again(const plan::Exit& exit) {
  const CompiledRule& rule = rules_[dag_.node(nodes_[exit.job]).rule];
  if (rule.rule.repeats <= 1 || options_.touch_only || is_taken_over(exit.job)) return false;
  std::vector<plan::Usage>& runs = running_[exit.job].runs;
  if (static_cast<int>(runs.size()) + 1 >= rule.rule.repeats) return false;
  runs.push_back(exit.usage);
  running_[exit.job].ended_at = 0;
  return true;
}

// The outputs of a job with a shadow folder are moved out by this process, so they are never late.
bool WorkflowSource::outputs_pending(const plan::Exit& exit) {
  const auto running = running_.find(exit.job);
  if (options_.touch_only || (running != running_.end() && running->second.shadow)) return false;
  // By the local clock: another machine's may be wrong, and the report of the end may come long after it.
  double& ended_at = running_[exit.job].ended_at;
  if (ended_at == 0) ended_at = os::wall_seconds();
  return files_.outputs_pending(nodes_[exit.job], ended_at, [this](FileId file) { return is_used_up(file); });
}

Result<void> WorkflowSource::check_outputs(const plan::Exit& exit) {
  if (options_.touch_only) return files_.touch(nodes_[exit.job]);
  FURROW_TRY(check_and_move(exit.job));
  return write_benchmark(exit);
}

Result<void> WorkflowSource::on_success(const plan::Exit& exit) {
  const NodeId node = nodes_[exit.job];
  if (!options_.touch_only) files_.before_record(node);
  if (gang_of(exit.job) != nullptr) files_.remove_passing(node);
  if (recorder_) {
    store::JobRecord ended = take_record(exit);
    ended.phase = store::JobPhase::kFinished;
    FURROW_TRY(recorder_->ended(node, std::move(ended)));
  }
  if (!options_.touch_only) files_.settle(node);
  if (growth_ != nullptr && growth_->is_awaited(node)) ended_.push_back(node);
  running_.erase(exit.job);
  if (is_member(exit.job)) members_[exit.job] = {Member::State::kDone, std::nullopt};
  return {};
}

void WorkflowSource::on_failure(const plan::Exit& exit, bool will_retry) {
  const NodeId node = nodes_[exit.job];
  if (!options_.touch_only && !refusal_of(dag_, rules_, node).empty()) return;  // it never started
  const auto running = running_.find(exit.job);
  const bool has_started = running != running_.end() && running->second.owns_outputs;
  if (running != running_.end() && running->second.shadow) {
    (void)running->second.shadow->move_out(logs(exit.job));  // the log of a failed job matters most
    running->second.shadow.reset();
  }
  if (running != running_.end()) running->second.runs.clear();
  if (!options_.touch_only) {
    if (has_started && gang_of(exit.job) != nullptr) files_.remove_passing(node);
    files_.discard(node, has_started, will_retry);
  }
  if (recorder_ && !will_retry) {
    store::JobRecord ended = take_record(exit);
    ended.phase = store::JobPhase::kFailed;
    (void)recorder_->ended(node, std::move(ended));  // the job's own failure is what gets reported
  }
  if (!is_member(exit.job)) return;
  if (!has_started) drop_together(exit.job, exit, will_retry);
  drop_dependents(exit.job, exit, will_retry);
}

Result<void> WorkflowSource::commit() { return recorder_ ? recorder_->commit() : Result<void>{}; }

plan::JobName WorkflowSource::name(plan::JobId job) const {
  const CompiledRule& rule = rules_[dag_.node(nodes_[job]).rule];
  return {rule.rule.name, show_wildcards(rule, dag_.values(nodes_[job], rules_))};
}

}  // namespace furrow::workflow
