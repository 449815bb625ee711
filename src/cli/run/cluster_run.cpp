#include "cli/run/cluster_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <set>

#include "base/strings.hpp"
#include "exec/cluster/slurm_options.hpp"
#include "exec/ranks/transport_plugin.hpp"
#include "os/files/files.hpp"

namespace furrow::cli {

namespace {

constexpr std::int64_t kDefaultJobs = 100;
constexpr double kSlowerAsks = 6;  // how much less often than at first

// Minutes: a number, or a number with a unit ("2h", "1d12h", "90m").
std::int64_t minutes_of(std::string_view text) {
  double seconds = 0;
  while (!text.empty()) {
    double number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc()) return 0;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    while (text.starts_with(' ')) text.remove_prefix(1);
    const std::size_t letters = std::min(text.find_first_of("0123456789. "), text.size());
    const std::string_view unit = text.substr(0, letters);
    const double factor = unit.empty() || unit.starts_with("m") ? 60
                          : unit.starts_with("s")               ? 1
                          : unit.starts_with("h")               ? 3600
                          : unit.starts_with("d")               ? 86400
                          : unit.starts_with("w")               ? 604800
                                                                : 0;
    seconds += number * factor;
    text.remove_prefix(letters);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  return static_cast<std::int64_t>((seconds + 59) / 60);
}

std::string own_program() {
  char path[PATH_MAX] = "";
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path - 1);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : "furrow";
}

exec::Packing packing_of(const std::string& name) {
  if (name == "one") return exec::Packing::kOne;
  if (name == "array") return exec::Packing::kArray;
  if (name == "packed") return exec::Packing::kPacked;
  return exec::Packing::kAuto;
}

// The limits of --resources and --cores.
std::map<std::string, std::int64_t> limits_of(const WorkflowSession& session) {
  std::map<std::string, std::int64_t> limits(session.limits().begin(), session.limits().end());
  if (session.options().cores && *session.options().cores != "all")
    limits[workflow::kCoresLimit] = session.cores();
  return limits;
}

// The options for the jobs of a workflow: with its limits and its Python.
exec::ClusterOptions options_for(const WorkflowSession& session) {
  exec::ClusterOptions options = cluster_options_of(session.options().executor);
  const std::map<std::string, std::int64_t> limits = limits_of(session);
  const auto limit = [&](const std::string& name) { return limits.contains(name) ? limits.at(name) : 0; };
  options.most_cores = limit(workflow::kCoresLimit);
  if (session.resources_of_each_submission().contains("mem_mb")) options.most_memory_mb = limit("mem_mb");
  options.latency_wait_s = session.options().latency_wait_s;
  options.evaluator = [&evaluator = session.evaluator_for_nodes()] { return evaluator; };
  return options;
}

}  // namespace

exec::ClusterOptions cluster_options_of(const exec::ExecutorSettings& settings) {
  exec::ClusterOptions options;
  options.program = own_program();
  options.directory = os::current_directory();
  options.precommand = settings.precommand;
  options.max_batches = static_cast<std::size_t>(settings.jobs.value_or(kDefaultJobs));
  options.packing = packing_of(settings.packing);
  options.one_each = settings.type().takes_commands;
  options.batch_cores = settings.batch_cores;
  options.batch_nodes = settings.batch_nodes;
  options.ask_first_s = settings.status_every_s;
  options.ask_most_s = settings.status_every_s * kSlowerAsks;
  // Snakemake's default, if each job is submitted separately.
  const double usual = options.one_each ? 10 : 1;
  options.pause_s = 1 / (settings.submissions_per_s > 0 ? settings.submissions_per_s : usual);
  return options;
}

exec::Allocation allocation_of(const workflow::JobDemands::Demand& demand) {
  exec::Allocation asked;
  asked.cores = demand.threads;
  const std::pair<const char*, std::int64_t*> numbers[] = {{"mem_mb", &asked.memory_mb},
                                                           {"mem_mb_per_cpu", &asked.memory_mb_per_core},
                                                           {"runtime", &asked.runtime_min},
                                                           {"cpus_per_task", &asked.cores},
                                                           {"nodes", &asked.nodes},
                                                           {"tasks", &asked.tasks},
                                                           {"tasks_per_node", &asked.tasks_per_node}};
  const std::pair<const char*, std::string*> texts[] = {{"slurm_partition", &asked.partition},
                                                        {"slurm_account", &asked.account},
                                                        {"constraint", &asked.constraint},
                                                        {"slurm_extra", &asked.extra}};
  for (const auto& [name, value] : demand.resources) {
    const auto* const number = std::get_if<std::int64_t>(&value);
    const auto* const text = std::get_if<std::string>(&value);
    bool is_field = false;
    for (const auto& [known, to] : numbers) {
      is_field |= name == known;
      if (name == known && number) *to = *number;
      if (name == known && text && name == "runtime") *to = minutes_of(*text);
    }
    const std::string written = text ? *text : number ? std::to_string(*number) : std::string();
    for (const auto& [known, to] : texts) {
      is_field |= name == known;
      if (name == known) *to = written;
    }
    if (!is_field && !written.empty() && exec::is_slurm_resource(name))
      asked.others.emplace_back(name, written);
  }
  std::sort(asked.others.begin(), asked.others.end());
  return asked;
}

std::vector<std::string> doubts_about_resources(const WorkflowSession& session) {
  std::vector<std::string> doubts;
  std::set<std::string> seen;
  for (const auto& [name, limit] : session.limits()) seen.insert(name);  // these are counted by Furrow itself
  for (workflow::RuleId id = 0; id < session.rules().size(); ++id) {
    const workflow::Rule& rule = session.rules()[id].rule;
    for (const auto& [name, value] : rule.resources) {
      if (!seen.insert(name).second) continue;
      const auto meant = exec::misspelled_slurm_resource(name);
      if (!meant) continue;
      doubts.push_back(fmt::format("The resource {} (rule {}) has no effect on Slurm.{}", name, rule.name,
                                   meant->empty() ? "" : " Is " + *meant + " meant?"));
    }
  }
  return doubts;
}

WorkflowNeeds::WorkflowNeeds(workflow::WorkflowSource& source, workflow::Evaluator& evaluator,
                             store::Store& store, std::string command,
                             std::map<std::string, std::int64_t> limits)
    : source_(source), evaluator_(evaluator), command_(std::move(command)), limits_(std::move(limits)) {
  std::map<std::string, std::pair<double, int>, std::less<>> sums;
  (void)store.for_each([&](store::JobRow& row) {
    if (row.phase != store::JobPhase::kFinished || row.finished_at <= row.started_at) return;
    auto found = sums.find(row.rule);
    if (found == sums.end()) found = sums.emplace(std::string(row.rule), std::pair(0.0, 0)).first;
    found->second.first += row.finished_at - row.started_at;
    ++found->second.second;
  });
  for (const auto& [rule, sum] : sums) means_[rule] = sum.first / sum.second;
}

exec::ClusterNeeds WorkflowNeeds::needs(const plan::Attempt& attempt) {
  exec::ClusterNeeds needs;
  const plan::JobName name = source_.name(attempt.job);
  if (const auto demand = source_.demand_of(attempt.job, attempt.number))
    needs.allocation = allocation_of(*demand);
  needs.key = source_.key(attempt.job);
  needs.kind = name.rule;
  needs.name = name.wildcards.empty() ? name.rule : name.rule + " (" + name.wildcards + ")";
  needs.identity = source_.identity(attempt.job);
  if (const auto mean = means_.find(name.rule); mean != means_.end()) needs.expected_s = mean->second;
  return needs;
}

std::optional<exec::GroupNeeds> WorkflowNeeds::group(const plan::Attempt& attempt) {
  std::vector<workflow::WorkflowSource::Together> together = source_.take_together(attempt.job);
  if (together.empty()) return std::nullopt;
  exec::GroupNeeds group{
      source_.group_name(attempt.job), std::move(together.front().files), together.front().gang, {}};
  for (auto& one : std::span(together).subspan(1)) {
    plan::Attempt other{.job = one.job, .launch = std::move(one.launch), .timeout_s = attempt.timeout_s};
    exec::ClusterNeeds needs = this->needs(other);
    group.members.push_back({std::move(other), std::move(needs), std::move(one.after), std::move(one.files),
                             one.gang, std::move(one.uses)});
  }
  return group;
}

exec::Allocation WorkflowNeeds::together(const plan::Attempt& attempt, std::int64_t cores,
                                         std::int64_t memory_mb) {
  std::map<std::string, std::int64_t> limits = limits_;
  for (const auto& [name, most] : {std::pair(workflow::kCoresLimit, cores), {"mem_mb", memory_mb}}) {
    if (most > 0) limits[name] = limits.contains(name) ? std::min(limits[name], most) : most;
  }
  // The groups were checked before: their jobs can run together.
  const auto demand = source_.demand_together(attempt.job, limits);
  return demand ? allocation_of(*demand) : needs(attempt).allocation;
}

// The view of a job, or of all jobs that are submitted together with it.
workflow::JobView WorkflowNeeds::view(const plan::Attempt& attempt) const {
  if (!source_.leads(attempt.job)) return source_.view(attempt.job, attempt.number);
  workflow::JobView view = source_.view_together(attempt.job);
  if (const auto demand = source_.demand_together(attempt.job, limits_)) {
    view.threads = demand->threads;
    view.resources = demand->resources;
  }
  return view;
}

std::vector<Result<exec::NeedsSource::Words>> WorkflowNeeds::words(
    std::span<const plan::Attempt* const> attempts) {
  std::vector<workflow::JobView> views;
  for (const plan::Attempt* const attempt : attempts) {
    views.push_back(view(*attempt));
    views.back().number = attempt->job + 1;
  }
  std::vector<Result<Words>> words;
  for (auto& answer : evaluator_.submission(views, command_)) {
    if (answer) {
      words.push_back(Words{std::move(answer->command), std::move(answer->properties)});
    } else {
      words.push_back(fail(std::move(answer.error())));
    }
  }
  return words;
}

Result<void> check_batch_nodes(const exec::ExecutorSettings& settings) {
  if (settings.batch_nodes <= 1 || os::status(exec::transport_plugin()).exists()) return {};
  return fail(Error{"--batch-nodes needs MPI, and this furrow was built without it", "", 0,
                    "Build it where libopenmpi-dev is; " + exec::transport_plugin() + " is missing."});
}

namespace {

// What an earlier run has left on a cluster is adopted by a run on this machine, too: only Slurm knows such jobs.
constexpr const char* kAdopter = "slurm";

std::unique_ptr<plan::Executor> cluster_executor(const WorkflowSession& session, os::EventLoop& loop,
                                                 exec::NeedsSource& needs, exec::OutputSink* sink) {
  const exec::ExecutorSettings& settings = session.options().executor;
  exec::ExecutorContext context{.loop = loop, .sink = sink};
  context.needs = &needs;
  context.cluster_options = options_for(session);
  return exec::make_executor(settings.is_cluster() ? settings.name : kAdopter, settings, std::move(context));
}

}  // namespace

ClusterRun::ClusterRun(WorkflowSession& session, workflow::WorkflowSource& source, os::EventLoop& loop,
                       plan::Executor& local, exec::OutputSink* sink)
    : settings_(session.options().executor),
      source_(source),
      needs_(source, session.evaluator(), *session.store(), settings_.submit, limits_of(session)),
      cluster_(cluster_executor(session, loop, needs_, sink)),
      routed_(local, *cluster_, [this](const plan::Attempt& attempt) { return is_remote(attempt); }) {
  cluster_->in_flight_jobs()->adopt({});
  source.set_in_flight_jobs(cluster_->in_flight_jobs());
}

bool ClusterRun::is_remote(const plan::Attempt& attempt) const {
  return source_.is_taken_over(attempt.job) || (settings_.is_cluster() && !source_.is_local(attempt.job));
}

void ClusterRun::finish(workflow::Recorder& recorder) {
  source_.set_in_flight_jobs(nullptr);
  cluster_->in_flight_jobs()->finish([&](const std::string& key) { return recorder.is_open(key); });
}

std::string ClusterRun::summary() const {
  const std::size_t count = cluster_->in_flight_jobs()->submissions();
  return count == 0 ? std::string() : count_of(count, "submission");
}

bool has_left_batches() { return !exec::BatchSpool(exec::kBatchSpool).unsettled().empty(); }

}  // namespace furrow::cli
