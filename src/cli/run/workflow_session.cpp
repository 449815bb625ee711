#include "cli/run/workflow_session.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "base/strings.hpp"
#include "cli/node_evaluator.hpp"
#include "cli/report_error.hpp"
#include "cli/run/software_settings.hpp"
#include "os/cores/share.hpp"
#include "os/events/clock.hpp"
#include "os/files/program.hpp"
#include "snakefile/fetch.hpp"
#include "snakefile/yaml_json.hpp"
#include "workflow/dag/dag_cut.hpp"
#include "workflow/jobs/files_to_lock.hpp"

namespace furrow::cli {

namespace {

constexpr const char* kStoreFolder = ".furrow";
constexpr double kLockWait_s = 10;
constexpr std::int64_t kNoLimit = 1 << 30;  // of cores, if a cluster has them

// The evaluator fetches what an address names.
std::vector<std::string> absolute_all(const std::vector<std::string>& paths) {
  std::vector<std::string> all;
  for (const std::string& path : paths)
    all.push_back(snakefile::is_address(path) ? path : os::absolute(path));
  return all;
}

}  // namespace

WorkflowSession::WorkflowSession(const RunOptions& options, RankSession* ranks)
    : options_(options), ranks_(ranks) {}

// The evaluator ends while the rest is freed.
WorkflowSession::~WorkflowSession() {
  if (evaluator_) evaluator_->close();
}

bool WorkflowSession::changes_nothing() const {
  return options_.dry_run ||
         (options_.mode != RunOptions::Mode::kRun && options_.mode != RunOptions::Mode::kDeleteAll &&
          options_.mode != RunOptions::Mode::kDeleteTemp &&
          options_.mode != RunOptions::Mode::kCleanupMetadata);
}

bool WorkflowSession::prints_data() const {
  return options_.mode != RunOptions::Mode::kRun || options_.dry_run;
}

Result<std::string> WorkflowSession::find_snakefile() const {
  if (os::current_directory().empty())
    return fail(Error{"the current folder has been removed", {}, 0, "Change to one that exists."});
  if (snakefile::is_address(options_.snakefile)) return options_.snakefile;
  if (!options_.snakefile.empty()) {
    const os::FileStatus status = os::status(options_.snakefile);
    if (!status.exists())
      return fail(Error{"there is no Snakefile " + options_.snakefile, {}, 0, "Give its path with -s."});
    if (status.kind == os::FileStatus::Kind::kDirectory)
      return fail(Error{
          options_.snakefile + " is a folder, not a Snakefile", {}, 0, "Give the file's path with -s."});
    return os::absolute(options_.snakefile);
  }
  for (const char* place : {"Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile"}) {
    if (os::status(place).kind == os::FileStatus::Kind::kFile) return os::absolute(place);
  }
  return fail(Error{"there is no Snakefile in this folder",
                    {},
                    0,
                    "Looked for Snakefile and workflow/Snakefile in " + os::current_directory() +
                        "; give another with -s."});
}

void WorkflowSession::find_limits() {
  for (const auto& [name, text] : options_.resources)
    limits_.emplace_back(name, whole_number(text).value_or(0));
}

std::set<std::string> WorkflowSession::resources_of_each_submission() const {
  std::map<std::string, std::string> scopes{{"mem_mb", "local"}, {"disk_mb", "local"}};  // as in Snakemake
  for (const auto* said : {&snakefile_.resource_scopes, &options_.resource_scopes})
    for (const auto& [name, scope] : *said) scopes[name] = scope;
  std::set<std::string> names;
  for (const auto& [name, scope] : scopes) {
    if (scope == "local") names.insert(name);
  }
  return names;
}

void WorkflowSession::set_scopes(workflow::JobDemands& demands) const {
  demands.set_local_cores(local_cores_);
  demands.set_of_each_submission(resources_of_each_submission());
}

// The N of --cores N; nullopt if it is not given, or "all".
std::optional<std::int64_t> WorkflowSession::wanted_cores() const {
  if (!options_.cores || *options_.cores == "all") return std::nullopt;
  return whole_number(*options_.cores);
}

void WorkflowSession::find_cores() {
  const auto wanted = wanted_cores();
  const os::Cores usable = os::cores_of_job();
  const std::int64_t here = options_.cores ? usable.logical : usable.physical;
  if (options_.executor.is_cluster()) local_cores_ = options_.local_cores.value_or(usable.logical);
  cores_ = wanted.value_or(options_.executor.is_cluster() ? kNoLimit : here);
  cores_of_largest_ = cores_;
  if (ranks_) share_cores(wanted);
}

std::int64_t WorkflowSession::cores_at_a_time() const {
  return options_.executor.is_cluster() ? kNoLimit : cores_;
}

// Takes the cores of all ranks; a job runs on one of them.
void WorkflowSession::share_cores(std::optional<std::int64_t> wanted) {
  std::vector<exec::RankFigures> ranks = ranks_->rank_set().ranks();
  for (exec::RankFigures& rank : ranks) {
    if (options_.cores) rank.cores = rank.threads;
  }
  shares_ = exec::shares_of(ranks, wanted);
  cores_ = cores_of_largest_ = 0;
  for (const exec::RankShare& share : shares_) {
    cores_ += share.cores;
    cores_of_largest_ = std::max(cores_of_largest_, share.cores);
  }
}

Result<snakefile::LoadRequest> WorkflowSession::load_request(const std::string& snakefile) const {
  snakefile::LoadRequest request;
  request.argv = options_.typed;
  request.argv.insert(request.argv.begin(), os::program_path());
  request.snakefile = snakefile;
  if (!options_.directory.empty()) request.workdir = os::current_directory();
  auto config = snakefile::config_of(options_.config);
  if (!config) return fail(std::move(config.error()));
  request.config = std::move(*config);
  request.config_args = options_.config;
  request.cores = static_cast<int>(std::min<std::int64_t>(cores_, 1 << 30));
  request.max_threads = static_cast<int>(std::min<std::int64_t>(most_threads(), 1 << 30));
  request.stdout_is_data = prints_data();
  request.targets = options_.targets;
  request.shadow_prefix = options_.shadow_prefix;
  request.default_resources = options_.default_resources;
  request.set_threads = options_.set_threads;
  for (const auto& [name, text] : options_.set_scatter)
    request.set_scatter.emplace_back(name, std::to_string(whole_number(text).value_or(1)));
  request.groups = options_.groups;
  request.consider_ancient = options_.consider_ancient;
  request.omit_flags = options_.omit_flags;
  request.has_cluster = options_.executor.is_cluster();
  request.limits = options_.resources;
  for (const auto& [option, place] : options_.places) request.places.emplace_back(option.substr(2), place);
  request.replace_config = options_.replace_config;
  FURROW_TRY(add_set_resources(request));
  request.quiet = options_.quiet_progress;
  request.dryrun = options_.dry_run;
  request.printshellcmds = options_.print_commands;
  request.wrapper_prefix = options_.wrapper_prefix;
  request.edit_notebook = options_.edit_notebook;
  request.draft_notebook = options_.draft_notebook;
  request.notebook_listen = options_.notebook_listen;
  request.deployment.assign(options_.deployment.begin(), options_.deployment.end());
  return request;
}

// Options of the form "RULE:NAME=VALUE", which come as the pair of "RULE:NAME" and "VALUE".
Result<void> WorkflowSession::add_set_resources(snakefile::LoadRequest& request) const {
  for (const auto& [name, value] : options_.set_resources) {
    const std::size_t colon = name.find(':');
    if (colon == std::string::npos)
      return fail(Error{"--set-resources: " + name + "=" + value + " is not of the form RULE:NAME=VALUE"});
    const std::string rule = name.substr(0, colon);
    auto known = std::find_if(request.set_resources.begin(), request.set_resources.end(),
                              [&](const auto& r) { return r.first == rule; });
    if (known == request.set_resources.end()) known = request.set_resources.insert(known, {rule, {}});
    known->second.emplace_back(name.substr(colon + 1), value);
  }
  return {};
}

// Checks that the rules that options name exist.
Result<void> WorkflowSession::check_rule_names() const {
  const auto check = [&](const std::string& text, const char* option) -> Result<void> {
    const std::string name = text.substr(0, text.find(':'));
    if (rules_.find(name) || options_.of_profiles.contains(option)) return {};
    const std::string near = nearest(name, rules_.names());
    return fail(Error{std::string(option) + ": there is no rule " + name,
                      {},
                      0,
                      near.empty() ? "" : "Did you mean " + near + "?"});
  };
  for (const auto& [rule, value] : options_.set_threads) {
    FURROW_TRY(check(rule, "--set-threads"));
  }
  for (const auto& [rule, value] : options_.set_resources) {
    FURROW_TRY(check(rule, "--set-resources"));
  }
  for (const auto& [rule, group] : options_.groups) {
    FURROW_TRY(check(rule, "--groups"));
  }
  for (const auto& [rule, items] : options_.consider_ancient) {
    FURROW_TRY(check(rule, "--consider-ancient"));
  }
  if (!options_.batch.rule.empty() && !rules_.find(options_.batch.rule))
    return check(options_.batch.rule, "--batch");
  return {};
}

void WorkflowSession::flag_all_outputs_temp() {
  for (workflow::Rule& rule : snakefile_.rules)
    for (workflow::Entry& entry : rule.output)
      for (workflow::Item& item : entry.items) item.flags |= workflow::kTemp;
}

// For --wait-for-files: files that a network file system may show late.
Result<void> WorkflowSession::wait_for_files() const {
  constexpr auto kInterval = std::chrono::milliseconds(200);
  const double deadline = os::monotonic_seconds() + options_.latency_wait_s;
  for (const std::string& file : options_.wait_for_files) {
    while (!os::status(file).exists()) {
      if (os::monotonic_seconds() >= deadline)
        return fail(Error{file + " is not there",
                          {},
                          0,
                          "--wait-for-files asked for it; --latency-wait says how long to wait."});
      std::this_thread::sleep_for(kInterval);
    }
  }
  return {};
}

Result<void> WorkflowSession::load() {
  find_cores();
  find_limits();
  auto snakefile = FURROW_TRY(find_snakefile());
  const std::vector<std::string> config_files = absolute_all(options_.config_files);
  const std::vector<std::string> cluster_config = absolute_all(options_.cluster_config);
  const std::string jobscript = options_.jobscript.empty() ? "" : os::absolute(options_.jobscript);
  const auto place = options_.places.find("--configfile");
  for (const std::string& file : config_files) {
    if (!snakefile::is_address(file) && !os::status(file).exists())
      return fail(Error{
          "there is no configuration file " + file,
          {},
          0,
          "Check --configfile" + (place == options_.places.end() ? "." : ", given by " + place->second)});
  }
  for (const std::string& name : options_.envvars) {
    if (!std::getenv(name.c_str()))
      return fail(Error{"the environment variable " + name + " is not set",
                        {},
                        0,
                        "--envvars says that the workflow needs it."});
  }
  if (!options_.directory.empty()) {
    FURROW_TRY(os::make_directories(options_.directory));
    FURROW_TRY(os::change_directory(options_.directory));
  }
  auto request = FURROW_TRY(load_request(snakefile));
  request.configfiles = config_files;
  request.cluster_config = cluster_config;
  request.jobscript = jobscript;

  snakefile::EvaluatorOptions evaluator;
  evaluator.python = options_.python;
  evaluator.glob = answer_glob;
  if (!changes_nothing()) {
    auto watchdog = FURROW_TRY(os::Watchdog::create(run_id_));
    watchdog_ = std::move(watchdog);
    evaluator.watchdog_fd = watchdog_->table_fd();
    evaluator.run = run_id_;
  }
  evaluator_for_nodes_.directory = os::current_directory();
  auto started = FURROW_TRY(snakefile::EvaluatorProcess::start(std::move(evaluator)));
  evaluator_ = std::move(started);
  auto loaded = FURROW_TRY(evaluator_->load(request));
  evaluator_for_nodes_.python = loaded.python.empty() ? evaluator_->python() : loaded.python;
  request.mode = "subprocess";
  evaluator_for_nodes_.load = snakefile::EvaluatorProcess::first_message(request);
  snakefile_ = std::move(loaded.snakefile);
  config_ = std::move(loaded.config);
  python_version_ = std::move(loaded.python_version);
  for (const auto& [name, limit] : snakefile_.limits) {
    std::erase_if(limits_, [&](const auto& known) { return known.first == name; });
    limits_.emplace_back(name, limit);
  }
  for (const auto& [name, value] : loaded.environment) {
    value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
  }
  // A rule in a group goes to the cluster with its group, even if it is a local rule.
  for (workflow::Rule& rule : snakefile_.rules) {
    if (options_.executor.is_cluster() && (rule.has_group_function || !rule.group.empty()))
      rule.is_local = false;
  }
  if (options_.no_hooks) snakefile_.has_onstart = snakefile_.has_onsuccess = snakefile_.has_onerror = false;
  if (options_.all_temp) flag_all_outputs_temp();
  if (!snakefile_.workdir.empty()) {
    FURROW_TRY(os::change_directory(snakefile_.workdir));
  }
  FURROW_TRY(wait_for_files());
  auto rules =
      FURROW_TRY(workflow::RuleSet::compile(std::move(snakefile_.rules), snakefile_.rule_order, dag_.files));
  rules_ = std::move(rules);
  environments_ =
      std::make_unique<deploy::Environments>(software_settings(options_, evaluator_for_nodes_.python));
  software_ = std::make_unique<workflow::SoftwareEnvironments>(dag_, rules_, *evaluator_, *environments_);
  return check_rule_names();
}

Result<void> WorkflowSession::open_store() {
  auto store = FURROW_TRY(changes_nothing() ? store::Store::open_readonly(kStoreFolder)
                                            : store::Store::open(kStoreFolder, kLockWait_s, run_id_));
  store_ = std::move(store);
  report_ended(store_->ended_survivors());
  return {};
}

// The jobs of a cluster outlive their engine, and the next one with the database looks for them.
Result<void> WorkflowSession::check_company() const {
  if (!options_.executor.is_cluster() || store_->has_database()) return {};
  return fail(
      Error{"another furrow run works in this directory, and a run on a cluster can only be the first",
            {},
            0,
            "Wait for it to end, or start the run on the cluster before others."});
}

// As in Snakemake: what is to be made, and what any job of the plan reads.
Result<bool> WorkflowSession::lock_files() {
  FURROW_TRY(check_company());
  const bool removes = options_.mode != RunOptions::Mode::kRun;
  if (options_.no_lock || (!removes && staleness_->count() == 0 && !store_->has_company())) return true;
  std::vector<workflow::NodeId> writing, reading;
  for (const workflow::NodeId node : dag_.order()) {
    if (removes || staleness_->must_run(node)) writing.push_back(node);
    if (!removes) reading.push_back(node);
  }
  auto locked = store_->lock_files(workflow::files_to_lock(dag_, rules_, writing, reading));
  if (locked) return *locked == store::Locking::kLocked;
  locked.error().hint += " --nolock runs nevertheless: then it is up to you that no file has two writers.";
  return fail(std::move(locked.error()));
}

workflow::Targets WorkflowSession::targets() const {
  workflow::Targets targets;
  std::vector<std::string> default_rule;
  targets.names = options_.targets;
  if (!snakefile_.default_target.empty()) {
    default_rule = {snakefile_.default_target};
  } else if (rules_.size() > 0) {
    default_rule = {rules_[0].rule.name};
  }
  if (options_.mode == RunOptions::Mode::kWhy && targets.names.empty()) targets.names = options_.why;
  if (targets.names.empty()) targets.names = default_rule;
  // What is forced, prioritized or named by --until is made, whether or not a target needs it.
  for (const auto* more : {&options_.force_run, &options_.prioritize, &options_.until}) {
    for (const std::string& name : *more) {
      const workflow::CompiledRule* const rule = rules_.find(name);
      if (!rule || rule->wildcards.empty()) targets.names.push_back(name);
    }
  }
  targets.allow_ambiguity = options_.allow_ambiguity;
  const auto is_strict = [&](const char* what) {
    return std::find(options_.strict.begin(), options_.strict.end(), what) != options_.strict.end();
  };
  targets.strict = {is_strict("functions"), is_strict("cyclic-graph"), is_strict("periodic-wildcards")};
  if (const workflow::CompiledRule* const rule = rules_.find(options_.batch.rule))
    targets.batch = {rule->id, static_cast<std::size_t>(options_.batch.index),
                     static_cast<std::size_t>(options_.batch.count)};
  return targets;
}

Result<workflow::StalenessOptions> WorkflowSession::staleness_options() {
  workflow::StalenessOptions options;
  if (!options_.rerun_triggers.empty()) {
    const auto has = [&](const char* name) {
      return std::find(options_.rerun_triggers.begin(), options_.rerun_triggers.end(), name) !=
             options_.rerun_triggers.end();
    };
    options.triggers = {has("mtime"), has("params"), has("input"), has("code"), has("software-env")};
  }
  options.force_all = options_.force_all;
  options.force_targets = options_.force;
  options.ignore_incomplete = options_.ignore_incomplete;
  options.hash_limit = options_.hash_limit;
  options.environments = software_.get();
  for (const std::string& name : options_.force_run) {
    if (rules_.find(name)) {
      options.force_rules.insert(name);
    } else {
      options.force_files.insert(dag_.files.intern(name));
    }
  }
  return options;
}

Result<void> WorkflowSession::plan() {
  const workflow::Targets wanted = targets();
  if (wanted.names.empty()) return decide();
  builder_ = std::make_unique<workflow::DagBuilder>(dag_, rules_, *evaluator_, states_);
  FURROW_TRY(builder_->build(wanted));
  // What waits for a checkpoint that is up to date is known before anything is cut away.
  if (rules_.has_checkpoints()) {
    FURROW_TRY(decide());
  }
  FURROW_TRY(cut());
  FURROW_TRY(builder_->check_shared_outputs());
  if (!staleness_ || is_cut()) {
    FURROW_TRY(decide());
  }
  FURROW_TRY(find_gangs());
  return find_groups();
}

// Jobs that run at once. Which of them there are must be known before anything runs.
Result<void> WorkflowSession::find_gangs() {
  if (options_.mode != RunOptions::Mode::kRun) return {};
  gangs_ = std::make_unique<workflow::Gangs>(dag_, rules_, staleness_->consumers());
  FURROW_TRY(gangs_->find([this](workflow::NodeId node) { return staleness_->must_run(node); }));
  if (!gangs_->is_used()) gangs_.reset();
  if (!gangs_ || gangs_->empty() || options_.touch) return {};
  for (const workflow::Gangs::Gang& gang : gangs_->all()) {
    if (!ranks_ || gang.nodes.empty()) continue;
    const workflow::Rule& rule = rules_[dag_.node(gang.nodes.front()).rule].rule;
    return fail(workflow::rule_error(rule, "pipe() and service() are not supported yet on MPI ranks",
                                     "Run the workflow without mpirun, or with --executor slurm."));
  }
  return {};
}

bool WorkflowSession::runs_here(const workflow::Gangs::Gang& gang) const {
  return !options_.executor.is_cluster() ||
         std::all_of(gang.nodes.begin(), gang.nodes.end(),
                     [this](workflow::NodeId node) { return rules_[dag_.node(node).rule].rule.is_local; });
}

// Decides which jobs must run, and answers functions that wait for checkpoints which are up to date.
Result<void> WorkflowSession::decide() {
  auto options = FURROW_TRY(staleness_options());
  growth_.reset();
  staleness_ = std::make_unique<workflow::Staleness>(dag_, rules_, states_, *evaluator_, store_.get(),
                                                     std::move(options));
  FURROW_TRY(staleness_->decide());
  if (!builder_ || (!rules_.has_checkpoints() && dag_.open_queues().empty())) return {};
  growth_ = std::make_unique<workflow::Growth>(dag_, rules_, states_, *evaluator_, *builder_, *staleness_);
  growth_->set_cut(growing_cut_.get());
  const bool has_grown = FURROW_TRY(growth_->settle());
  if (has_grown) builder_->sort();
  return {};
}

Result<void> WorkflowSession::cut() {
  if (!options_.until.empty()) {
    FURROW_TRY(workflow::keep_until(dag_, rules_, options_.until));
  }
  std::vector<std::string> omitted = options_.omit_from;
  // All but the last batch end before the rule, whose inputs are not all there.
  if (ends_before_batch_rule()) omitted.push_back(options_.batch.rule);
  if (!omitted.empty()) {
    FURROW_TRY(workflow::omit_from(dag_, rules_, omitted));
  }
  if (is_cut() && (rules_.has_checkpoints() || !dag_.open_queues().empty()))
    growing_cut_ = std::make_unique<workflow::GrowingCut>(dag_, rules_, options_.until, omitted);
  return {};
}

// Jobs whose functions wait for checkpoints, and those that depend on them: it is not known yet what stands between
// them, so they are submitted one by one.
std::vector<char> WorkflowSession::behind_checkpoints() const {
  std::vector<char> is_open(dag_.size(), 0);
  std::vector<workflow::NodeId> stack;
  const auto add = [&](workflow::NodeId node) {
    if (!std::exchange(is_open[node], 1)) stack.push_back(node);
  };
  for (const auto& [node, files] : dag_.unanswered()) add(node);
  while (!stack.empty()) {
    const workflow::NodeId node = stack.back();
    stack.pop_back();
    staleness_->consumers().for_each(node, [&](const auto& edge) { add(edge.consumer); });
  }
  return is_open;
}

// Which jobs share a file on a node must be known before the first of them is submitted.
Result<void> WorkflowSession::check_ties() const {
  if (!dag_.may_grow()) return {};
  for (workflow::RuleId id = 0; id < rules_.size(); ++id) {
    for (const workflow::Template& output : rules_[id].outputs) {
      const bool passes = (output.flags & workflow::kPassing) != 0 && !rules_[id].rule.is_local;
      if (!(output.flags & workflow::kTogether) && !passes) continue;
      const std::string what = output.flags & workflow::kPipe      ? "pipe(...)"
                               : output.flags & workflow::kService ? "service(...)"
                                                                   : "temp(..., group_jobs=True)";
      return fail(workflow::rule_error(
          rules_[id].rule,
          what + " in rule " + rules_[id].rule.name +
              " is not supported yet on a cluster as long as a checkpoint of the workflow has not run",
          "Run up to the checkpoint first (--until), or run the workflow on one machine."));
    }
  }
  return {};
}

// Without a cluster all jobs run on one machine anyway, and groups have no effect.
Result<void> WorkflowSession::find_groups() {
  if (!options_.executor.is_cluster() || options_.touch || options_.mode != RunOptions::Mode::kRun) return {};
  FURROW_TRY(check_ties());
  const std::vector<char> is_open = behind_checkpoints();
  std::vector<workflow::Gangs::Gang> submitted;
  for (const workflow::Gangs::Gang& gang : gangs_ ? gangs_->all() : std::vector<workflow::Gangs::Gang>()) {
    if (!gang.nodes.empty() && !runs_here(gang)) submitted.push_back(gang);
  }
  auto found = workflow::JobGroups::find(
      dag_, rules_, *evaluator_,
      [&](workflow::NodeId node) { return staleness_->must_run(node) && !is_open[node]; },
      options_.group_components, submitted);
  if (!found) return fail(std::move(found.error()));
  groups_ = std::move(*found);
  return {};
}

}  // namespace furrow::cli
