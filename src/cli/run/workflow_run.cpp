#include "cli/run/workflow_run.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "base/strings.hpp"
#include "cli/report_error.hpp"
#include "cli/run/cluster_run.hpp"
#include "cli/run/dry_run.hpp"
#include "cli/run/event_publisher.hpp"
#include "cli/run/run_check.hpp"
#include "cli/run/run_stats.hpp"
#include "cli/run/software_setup.hpp"
#include "exec/executor_table.hpp"
#include "os/events/clock.hpp"
#include "os/events/signals.hpp"
#include "os/files/file_hasher.hpp"
#include "store/lock.hpp"
#include "workflow/dag/identity.hpp"
#include "workflow/workflow_source.hpp"

namespace furrow::cli {

namespace {

// Functions may take long, and are called again right before their job.
constexpr double kCheckFor_s = 10;
constexpr const char* kScratchFolder = ".furrow/tmp";

void say(const std::string& text) { print_message(stderr, text); }

std::string lost_records(std::size_t jobs) {
  return fmt::format(
      "the store .furrow has lost records, or some are damaged. {} that {} no record {} again, since nothing "
      "says that "
      "their files are whole. To take the files as they are, run \"furrow run --touch\".",
      count_of(jobs, "job"), jobs == 1 ? "has" : "have", jobs == 1 ? "runs" : "run");
}

std::string shadows_of(const RunOptions& options) {
  return (options.shadow_prefix.empty() ? ".furrow" : options.shadow_prefix) + "/shadow";
}

// Whether this run goes on with all that a killed one meant to do. Another engine may use what that has left.
bool goes_on_alone(WorkflowSession& session) {
  const RunOptions& options = session.options();
  if (!options.until.empty() || !options.omit_from.empty() || !options.batch.rule.empty()) return false;
  if (!session.store()->has_killed_run() || session.store()->has_company()) return false;
  // Also of checkpoints that are needed no longer, since functions have their answers.
  std::vector<std::string> keys;
  for (workflow::NodeId node = 0; node < session.dag().size(); ++node) {
    if (session.rules()[session.dag().node(node).rule].has_products())
      keys.push_back(workflow::record_key(session.dag(), session.rules(), node));
  }
  return session.store()->has_killed_run_of(keys);
}

workflow::FileOptions file_options(WorkflowSession& session) {
  const RunOptions& options = session.options();
  return {options.not_temp, options.keep_incomplete, options.latency_wait_s, shadows_of(options),
          !options.touch && goes_on_alone(session)};
}

}  // namespace

int WorkflowRun::run() {
  const std::size_t count = session_.staleness().count();
  const workflow::Snakefile& snakefile = session_.snakefile();
  const bool has_hooks = snakefile.has_onstart || snakefile.has_onsuccess || snakefile.has_onerror;
  if (const std::string& path = session_.options().trace; !path.empty()) {
    auto trace = JobTrace::create(path, "furrow run");
    if (!trace) return report_error(trace.error());
    trace_ = std::move(*trace);
  }
  if (const std::string& path = session_.options().dashboard; !path.empty()) {
    auto dashboard = Dashboard::create(path, report::earlier_times(*session_.store()));
    if (!dashboard) return report_error(dashboard.error());
    dashboard_ = std::move(*dashboard);
  }
  auto log_path = count > 0 || has_hooks ? start_log() : std::string();
  if (!log_path) return report_error(log_path.error());
  if (snakefile.has_onstart) {
    if (auto done = session_.evaluator().hook("onstart", *log_path); !done) return report_error(done.error());
  }
  if (const std::size_t lost = session_.staleness().without_record(); lost > 0)
    say("furrow: warning: " + lost_records(lost));
  if (count == 0) {
    remove_leftovers();
    if (!is_quiet()) say(nothing_to_do(session_));
    if (const std::string& stats = session_.options().stats; !stats.empty())
      if (auto written = RunStats::write_empty(stats); !written) return report_error(written.error());
    return finish({}, *log_path);
  }
  if (!is_quiet() && session_.options().executor.type().shares_submissions) {
    for (const std::string& doubt : doubts_about_resources(session_)) say(doubt);
  }
  if (!session_.options().quiet_progress) {
    const std::string more = more_to_come(session_);
    say(fmt::format("{} to run on {}:\n{}{}", count_of(count, "job"), where(), job_table(session_),
                    more.empty() ? "" : more + "\n"));
  }
  if (auto mistakes = check_jobs()) return finish(*mistakes, *log_path);
  if (const std::string refused = session_.options().touch ? "" : refused_jobs(session_); !refused.empty())
    say("Note: " + refused +
        (session_.options().keep_going ? "; the others are run"
                                       : "; --keep-going runs what does not need them"));
  if (auto started = start_watchdog(); !started) return report_error(started.error());
  if (auto failed = set_up_software()) return finish(*failed, *log_path);
  auto summary = run_jobs(*log_path);
  if (!summary) return report_error(summary.error());
  return finish(*summary, *log_path);
}

// Temp files of a run that was killed before it removed them.
void WorkflowRun::remove_leftovers() {
  if (session_.options().touch || session_.dag().may_grow() || !session_.store()->has_killed_run()) return;
  workflow::JobFiles(session_.dag(), session_.rules(), session_.states(), file_options(session_))
      .expect([](workflow::NodeId) { return false; });
}

// With --keep-going, a job that cannot start fails alone, when its turn comes.
std::optional<farm::Summary> WorkflowRun::check_jobs() {
  RunCheck check(session_);
  check.look_at_submissions();
  check.look_at_gangs();
  if (!session_.options().keep_going) check.look_at_all(kCheckFor_s);
  if (check.failed() == 0) return std::nullopt;
  check.report();
  farm::Summary summary;
  summary.total = summary.unstarted = session_.staleness().count();
  summary.error = Error{count_of(check.failed(), "job") + " cannot run, so none was started",
                        {},
                        0,
                        "With --keep-going, the jobs that do not depend on them run nevertheless."};
  return summary;
}

// With --keep-going, the jobs that need what could not be set up fail when their turn comes.
std::optional<farm::Summary> WorkflowRun::set_up_software() {
  if (session_.options().touch) return std::nullopt;
  const SetupOutcome outcome = cli::set_up_software(session_, Which::kDueJobs);
  for (const Error& error : outcome.errors) report_error(error);
  const bool goes_on = outcome.errors.empty() || session_.options().keep_going;
  if (goes_on && outcome.signal == 0) return std::nullopt;
  farm::Summary summary;
  summary.total = summary.unstarted = session_.staleness().count();
  summary.signal = outcome.signal;
  summary.error = outcome.signal != 0
                      ? Error{"interrupted before the first job"}
                      : Error{"no job was started",
                              {},
                              0,
                              "With --keep-going, the jobs run that do not need what is missing."};
  return summary;
}

std::string WorkflowRun::where() const {
  const exec::ExecutorSettings& cluster = session_.options().executor;
  if (cluster.is_cluster()) return std::string(cluster.type().title);
  const std::string cores = count_of(static_cast<std::size_t>(session_.cores()), "core");
  return session_.ranks() ? fmt::format("{} of {} ranks", cores, session_.shares().size()) : cores;
}

Result<void> WorkflowRun::start_watchdog() {
  const std::vector<int> locks = session_.store()->lock_fds();
  const auto for_all = [&locks](void (*action)(int lock)) {
    return [locks, action] { std::for_each(locks.begin(), locks.end(), action); };
  };
  FURROW_TRY(session_.watchdog()->watch(locks, for_all(store::FolderLock::end_jobs),
                                        for_all(store::FolderLock::beat)));
  FURROW_TRY(expect_jobs());
  return session_.store()->begin_jobs(session_.run_id(), session_.watchdog()->pid());
}

// A power cut may lose the records of the jobs that this run starts, but not that it meant to start them.
Result<void> WorkflowRun::expect_jobs() {
  const workflow::Dag& dag = session_.dag();
  std::vector<std::string> keys;
  for (const workflow::NodeId node : dag.order()) {
    if (session_.staleness().must_run(node) && session_.rules()[dag.node(node).rule].has_products())
      keys.push_back(workflow::record_key(dag, session_.rules(), node));
  }
  return session_.store()->expect(keys, dag.may_grow());  // it may come to others
}

Result<std::string> WorkflowRun::start_log() const {
  FURROW_TRY(os::make_directories(".furrow/log"));
  const auto now = static_cast<std::time_t>(os::wall_seconds());
  const std::string path =
      os::absolute(fmt::format(".furrow/log/{:%Y-%m-%dT%H%M%S}-{}.log", fmt::localtime(now), ::getpid()));
  FURROW_TRY(os::write_file(path, ""));
  return path;
}

void WorkflowRun::follow_with_trace(const workflow::WorkflowSource& source) {
  const auto number = [&source](plan::JobId job) { return source.node(job); };
  const auto visit = [&source, &dag = session_.dag()](plan::JobId job,
                                                      const JobTrace::Needs::Visitor& visit_job) {
    for (const workflow::FileId file : dag.inputs(source.node(job)))
      if (dag.producer(file) != workflow::kNoNode) visit_job(dag.producer(file));
  };
  trace_->follow(source, {number, visit});
}

plan::Budget WorkflowRun::budget(plan::Resources& resources) const {
  plan::Budget budget;
  // Jobs that are sent ahead to other ranks wait there.
  const std::int64_t ahead = session_.ranks() ? exec::MpiExecutor::most_ahead(session_.shares()) : 0;
  budget.set_limit(plan::kCores, session_.cores_at_a_time() + ahead);
  if (session_.local_cores() > 0)
    budget.set_limit(resources.index(workflow::JobDemands::kLocalCores), session_.local_cores());
  for (const auto& [name, limit] : session_.limits()) budget.set_limit(resources.index(name), limit);
  return budget;
}

std::unique_ptr<plan::Executor> WorkflowRun::executor_on_ranks(os::EventLoop& loop,
                                                               const workflow::WorkflowSource& source,
                                                               plan::Executor& local,
                                                               exec::OutputSink& sink) const {
  exec::MpiOptions options;
  options.shares = session_.shares();
  options.run = session_.run_id();
  options.scratch = kScratchFolder;
  options.evaluator = session_.evaluator_for_nodes();
  options.needs = [&source](const plan::Attempt& attempt) {
    exec::RankNeeds needs{.on_root = source.is_local(attempt.job)};
    if (const auto demand = source.demand_of(attempt.job, attempt.number)) {
      needs.cores = demand->threads;
      needs.memory_mb = allocation_of(*demand).memory_mb;
    }
    return needs;
  };
  exec::ExecutorContext context{.loop = loop, .sink = &sink};
  context.local = &local;
  context.ranks = &session_.ranks()->rank_set();
  context.mpi_options = std::move(options);
  return exec::make_executor("mpi", session_.options().executor, std::move(context));
}

Result<farm::Summary> WorkflowRun::run_jobs(const std::string& log_path) {
  const RunOptions& options = session_.options();
  plan::Resources resources;
  plan::Budget limits = budget(resources);
  FURROW_TRY(os::make_directories(kScratchFolder));
  const bool may_be_adopted = session_.store()->has_database() && has_left_batches();
  if (!may_be_adopted && !session_.store()->has_company()) {
    for (const char* left : {".furrow/shadow", ".furrow/payload"})
      (void)os::remove_tree(left);  // left by a killed run
  }

  os::EventLoop loop;
  farm::Farm* running = nullptr;
  const os::SignalWatch signals(loop, os::not_ignored({SIGINT, SIGTERM, SIGHUP}), [&](int signal) {
    if (running) running->stop(signal);
  });
  os::FileHasher hasher(loop, options.hash_limit);
  session_.evaluator().attach(loop);

  workflow::JobDemands demands(session_.dag(), session_.rules(), session_.evaluator(), resources,
                               session_.most_threads());
  session_.set_scopes(demands);
  workflow::JobFiles files(session_.dag(), session_.rules(), session_.states(), file_options(session_));
  workflow::Recorder recorder(session_.dag(), session_.rules(), session_.states(), *session_.store(), &hasher,
                              options.hash_limit);
  recorder.set_changed_before(&session_.staleness().changed_while_running());
  recorder.set_locks(!options.no_lock);
  workflow::SourceOptions source_options;
  source_options.retries = options.retries.value_or(0);
  source_options.prioritized = {options.prioritize.begin(), options.prioritize.end()};
  source_options.touch_only = options.touch;
  source_options.queue_wait_s = options.queue_wait_s;
  source_options.extended_benchmarks = options.benchmark_extended;
  source_options.run = session_.run_id();
  source_options.shadow_folder = shadows_of(options) + "/" + std::to_string(::getpid());
  workflow::WorkflowSource source(session_.dag(), session_.rules(), session_.evaluator(), demands, files,
                                  &recorder, source_options);

  const auto must_run = [this](workflow::NodeId node) { return session_.staleness().must_run(node); };
  if (session_.dag().may_grow()) files.keep_temp_files();
  files.expect(must_run);
  source.set_growth(session_.growth());
  if (session_.gangs() && !options.touch)
    source.set_gangs(session_.gangs(), [this](const auto& gang) { return session_.runs_here(gang); });
  source.set_environments(&session_.software());
  FURROW_TRY(source.ask_priorities(must_run));
  plan::JobGraph graph;
  if (!session_.groups().empty()) source.set_groups(&session_.groups());
  source.plan(graph, must_run);

  Progress progress(source, loop,
                    {options.quiet_progress, options.quiet_all, options.print_commands,
                     options.show_failed_logs, log_path});
  exec::ExecutorContext context{.loop = loop, .sink = &progress, .watchdog = session_.watchdog()};
  context.forks = &session_.evaluator();
  context.local_options.run = session_.run_id();
  context.local_options.scratch = kScratchFolder;
  const auto local = exec::make_executor("local", options.executor, std::move(context));
  std::unique_ptr<plan::Executor> on_ranks;
  if (session_.ranks()) on_ranks = executor_on_ranks(loop, source, *local, progress);
  plan::Executor& own = on_ranks ? *on_ranks : *local;
  std::optional<ClusterRun> cluster;
  if (options.executor.is_cluster() || may_be_adopted)
    cluster.emplace(session_, source, loop, own, &progress);
  farm::Farm farm(graph, resources, std::move(limits), cluster ? cluster->executor() : own, source, loop,
                  {.keep_going = options.keep_going, .leaves_on_hangup = true});
  farm.add_sink(&progress);
  RunStats stats(source);
  if (!options.stats.empty()) farm.add_sink(&stats);
  if (trace_) {
    follow_with_trace(source);
    farm.add_sink(trace_.get());
  }
  EventPublisher publisher(session_, source, loop);
  farm.add_sink(&publisher);
  if (dashboard_) {
    publisher.add_listener(*dashboard_);
    dashboard_->attach(loop);
  }
  results_.follow(source);
  if (!options.job_results.empty()) farm.add_sink(&results_);
  deploy::Environments& environments = session_.software().environments();
  environments.attach(loop, session_.watchdog(), [this](const std::string& line) {
    if (!session_.options().quiet_all) say("furrow: " + line);
  });
  running = &farm;
  const farm::Summary summary = farm.run();
  running = nullptr;
  publisher.finish(summary.ok() ? 0 : 1);
  if (dashboard_) dashboard_->detach();
  environments.detach();
  if (summary.signal == 0 && summary.cancelled == 0) files.remove_leftover_folders();
  FURROW_TRY(recorder.finish());
  if (!options.stats.empty()) FURROW_TRY(stats.write(options.stats));
  for (const std::string& warning : recorder.warnings()) say("furrow: warning: " + warning);
  if (cluster) {
    submissions_ = cluster->summary();
    cluster->finish(recorder);
  }
  session_.evaluator().detach();
  return summary;
}

int WorkflowRun::finish(const farm::Summary& summary, const std::string& log_path) {
  if (summary.error) report_error(*summary.error);
  const bool ok = summary.ok();
  const std::string hook = ok ? "onsuccess" : "onerror";
  int code = ok ? 0 : 1;
  if (ok ? session_.snakefile().has_onsuccess : session_.snakefile().has_onerror) {
    if (auto done = session_.evaluator().hook(hook, log_path); !done) code = report_error(done.error());
  }
  if (!is_quiet() && summary.total > 0) {
    std::string text = fmt::format("{} of {} done in {}", summary.done, count_of(summary.total, "job"),
                                   human_duration(summary.wall_s));
    if (!submissions_.empty()) text += ", in " + submissions_;
    if (ok && summary.core_s > summary.wall_s)
      text += fmt::format("; that is {} of work on one core", human_duration(summary.core_s));
    if (summary.failed) text += fmt::format("; {} failed", summary.failed);
    if (summary.skipped) text += fmt::format("; {} skipped", summary.skipped);
    if (summary.cancelled) text += fmt::format("; {} interrupted", summary.cancelled);
    if (summary.left)
      text += fmt::format("; {} still on the cluster, where the next furrow run finds {}", summary.left,
                          summary.left == 1 ? "it" : "them");
    if (summary.unstarted) text += fmt::format("; {} not started", summary.unstarted);
    say(text);
    if (!ok && summary.unstarted < summary.total) say("Log: " + log_path);
  }
  if (const std::string& path = session_.options().job_results; !path.empty())
    if (auto written = results_.write(path); !written) return report_error(written.error());
  if (dashboard_) dashboard_->finish(code);
  if (trace_)
    if (auto written = trace_->finish(); !written) return report_error(written.error());
  if (auto closed = session_.store()->close_cleanly(); !closed) return report_error(closed.error());
  return code;
}

}  // namespace furrow::cli
