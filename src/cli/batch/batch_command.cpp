#include "cli/batch/batch_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>

#include "cli/batch/batch_source.hpp"
#include "cli/node_evaluator.hpp"
#include "cli/rank_session.hpp"
#include "cli/report_error.hpp"
#include "exec/batch/batch_spool.hpp"
#include "exec/executor_table.hpp"
#include "exec/local/node_folder.hpp"
#include "farm/farm.hpp"
#include "os/events/clock.hpp"
#include "os/events/signals.hpp"
#include "os/files/files.hpp"
#include "os/process/watchdog.hpp"

namespace furrow::cli {

namespace {

// How long to wait until the batch is visible on a network file system.
constexpr double kPatience_s = 60;
constexpr unsigned kLookAgain_us = 500'000;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

// The job's name as Slurm's squeue shows it; for another batch system, the name that it gives.
std::string system_name() {
  const std::string array = variable("SLURM_ARRAY_JOB_ID"), task = variable("SLURM_ARRAY_TASK_ID");
  if (!array.empty() && !task.empty()) return array + "_" + task;
  for (const char* name : {"SLURM_JOB_ID", "PBS_JOBID", "JOB_ID", "LSB_JOBID"}) {
    if (const std::string value = variable(name); !value.empty()) return value;
  }
  return {};
}

Result<exec::BatchSpec> wait_for_batch(const exec::BatchFolder& folder, std::uint32_t index) {
  const double until = os::monotonic_seconds() + kPatience_s;
  for (;;) {
    (void)os::list_directory(folder.path());  // makes a network file system look again
    auto batch = exec::read_batch_spec(folder.spec(index));
    const bool may_come = !os::status(folder.spec(index)).exists();
    if (batch || !may_come || os::monotonic_seconds() > until) return batch;
    ::usleep(kLookAgain_us);
  }
}

class BatchRun {
 public:
  BatchRun(exec::BatchSpec batch, std::string folder, exec::JournalWriter& journal, RankSession* ranks)
      : batch_(std::move(batch)), folder_(std::move(folder)), journal_(journal), ranks_(ranks) {}

  Result<bool> run();
  bool was_stopped() const { return was_stopped_; }

 private:
  Result<void> start_evaluator(os::EventLoop& loop);
  std::int64_t find_shares();
  std::unique_ptr<plan::Executor> executor_on_ranks(os::EventLoop& loop, plan::Executor& local,
                                                    exec::OutputSink& sink, const std::string& scratch);

  exec::BatchSpec batch_;
  const std::string folder_;
  exec::JournalWriter& journal_;
  // Null: this process is alone.
  RankSession* const ranks_;
  // The cores and memory of each rank.
  std::vector<exec::RankShare> shares_;
  std::unique_ptr<os::Watchdog> watchdog_;
  std::unique_ptr<snakefile::EvaluatorProcess> evaluator_;
  bool was_stopped_ = false;
};

// Runs the same Snakefile once more, here, for `run:` blocks.
Result<void> BatchRun::start_evaluator(os::EventLoop& loop) {
  if (batch_.evaluator.load.empty()) return {};
  auto started = FURROW_TRY(start_node_evaluator(batch_.evaluator, loop, *watchdog_));
  evaluator_ = std::move(started);
  return {};
}

// All cores of the ranks together. A batch's cores are counted per node, and each node has one rank.
std::int64_t BatchRun::find_shares() {
  const std::int64_t own = std::max<std::int64_t>(1, batch_.cores);
  if (!ranks_) return own;
  for (const exec::RankFigures& rank : ranks_->rank_set().ranks())
    shares_.push_back({batch_.cores > 0 ? own : rank.cores, batch_.memory_mb});
  std::int64_t cores = 0;
  for (const exec::RankShare& share : shares_) cores += share.cores;
  return cores;
}

std::unique_ptr<plan::Executor> BatchRun::executor_on_ranks(os::EventLoop& loop, plan::Executor& local,
                                                            exec::OutputSink& sink,
                                                            const std::string& scratch) {
  exec::MpiOptions options;
  options.shares = shares_;
  options.scratch = scratch;
  options.evaluator = batch_.evaluator;
  options.needs = [this](const plan::Attempt& attempt) {
    const exec::BatchJob& job = batch_.jobs[attempt.job];
    return exec::RankNeeds{.cores = job.cores, .memory_mb = job.memory_mb};
  };
  exec::ExecutorContext context{.loop = loop, .sink = &sink};
  context.local = &local;
  context.ranks = &ranks_->rank_set();
  context.mpi_options = std::move(options);
  return exec::make_executor("mpi", {}, std::move(context));
}

Result<bool> BatchRun::run() {
  FURROW_TRY(os::change_directory(batch_.directory));
  os::EventLoop loop;
  farm::Farm* running = nullptr;
  int stopped_early = 0;
  const os::SignalWatch signals(loop, os::not_ignored({SIGINT, SIGTERM, SIGHUP}), [&](int signal) {
    running ? running->stop(signal) : static_cast<void>(stopped_early = signal);
  });
  watchdog_ = FURROW_TRY(os::Watchdog::create());
  FURROW_TRY(start_evaluator(loop));
  if (auto watched = watchdog_->watch({}); !watched) return fail(std::move(watched.error()));

  plan::Resources resources;
  plan::Budget budget;
  const std::int64_t cores = find_shares();
  const std::int64_t ahead = ranks_ ? exec::MpiExecutor::most_ahead(shares_) : 0;
  budget.set_limit(plan::kCores, cores + ahead);
  const std::int64_t memory_mb = ranks_ ? 0 : batch_.memory_mb;  // each rank limits its own memory
  if (memory_mb > 0) budget.set_limit(resources.index("memory_mb"), memory_mb);
  BatchSource source(batch_, folder_, journal_, resources, loop, cores, memory_mb);
  if (!ranks_) source.set_node_folder(exec::node_folder());  // each rank has its own
  plan::JobGraph graph;
  source.plan(graph);
  const std::string temporary = variable("TMPDIR");
  const std::string scratch = temporary.empty() ? "/tmp" : temporary;
  exec::ExecutorContext context{.loop = loop, .sink = &source, .watchdog = watchdog_.get()};
  context.forks = evaluator_.get();
  context.local_options.scratch = scratch;
  const auto local = exec::make_executor("local", {}, std::move(context));
  std::unique_ptr<plan::Executor> on_ranks;
  if (ranks_) on_ranks = executor_on_ranks(loop, *local, source, scratch);
  plan::Executor& executor = on_ranks ? *on_ranks : *local;
  farm::Farm farm(graph, resources, std::move(budget), executor, source, loop,
                  {.keep_going = true, .timeout_s = batch_.timeout_s});
  running = &farm;
  if (stopped_early != 0) farm.stop(stopped_early);
  const farm::Summary summary = farm.run();
  running = nullptr;
  was_stopped_ = summary.signal != 0;
  if (summary.error) return fail(*summary.error);
  if (summary.signal == 0) source.end_skipped(graph);
  FURROW_TRY(source.finish());
  if (evaluator_) evaluator_->detach();
  return summary.ok() && source.all_ok();
}

// Runs batches one after the other in one allocation: first the batch for which the allocation was made,
// then, if time is left, batches of the same submission that nobody has started. So a submission of short
// jobs does not wait until the batch system has started each of its batches.
class BatchRunner {
 public:
  BatchRunner(exec::BatchFolder folder, std::uint32_t index, RankSession* ranks)
      : folder_(std::move(folder)), index_(index), ranks_(ranks) {}

  Result<bool> run();  // whether all jobs succeeded

 private:
  Result<bool> claim_and_run(exec::BatchSpec batch);
  bool has_time_for(double longest_s) const;
  std::optional<exec::BatchSpec> another() const;

  const exec::BatchFolder folder_;
  const std::uint32_t index_;
  RankSession* const ranks_;
  const std::string name_ = system_name();
  const double began_ = os::monotonic_seconds();
  // How long this allocation lasts; 0: it is for one batch only.
  double time_s_ = 0;
  // How long the slowest batch so far has taken.
  double slowest_s_ = 0;
  bool ran_ = false, was_stopped_ = false;
};

Result<bool> BatchRunner::run() {
  auto batch = FURROW_TRY(wait_for_batch(folder_, index_));
  time_s_ = batch.time_s;
  auto ok = claim_and_run(std::move(batch));
  // An allocation whose own batch is already claimed ends, since the engine may cancel such a job at any
  // time.
  while (ok && ran_ && !was_stopped_ && !ranks_) {
    auto next = another();
    if (!next) break;
    const auto went = claim_and_run(std::move(*next));
    if (!went) return went;
    *ok = *ok && *went;
  }
  return ok;
}

// Also true if somebody else has claimed the batch.
Result<bool> BatchRunner::claim_and_run(exec::BatchSpec batch) {
  const double began = os::monotonic_seconds();
  const std::uint32_t index = batch.index;
  auto claimed = folder_.claim(index, "run " + name_);
  if (!claimed) return fail(std::move(claimed.error()));
  if (!*claimed) return true;
  ran_ = true;
  auto journal = FURROW_TRY(exec::JournalWriter::create(folder_.journal(index)));
  journal->begin(batch.id, index, name_, index_);
  FURROW_TRY(journal->commit());
  BatchRun run(std::move(batch), folder_.path(), *journal, ranks_);
  auto ok = run.run();
  if (!ok) return ok;
  was_stopped_ = run.was_stopped();
  journal->over();
  FURROW_TRY(journal->commit());
  FURROW_TRY(journal->sync());
  slowest_s_ = std::max(slowest_s_, os::monotonic_seconds() - began);
  return ok;
}

// There must be time for twice the slowest batch, and for a job that takes as long as its rule allows.
bool BatchRunner::has_time_for(double longest_s) const {
  const double used_s = os::monotonic_seconds() - began_;
  return used_s + 2 * slowest_s_ + longest_s <= time_s_;
}

// Starts with the last batch, because the batch system starts with the first.
std::optional<exec::BatchSpec> BatchRunner::another() const {
  if (!has_time_for(0)) return std::nullopt;  // saves reading any batch
  for (const std::uint32_t index : folder_.unclaimed()) {
    auto batch = exec::read_batch_spec(folder_.spec(index));
    if (batch && has_time_for(batch->longest_s)) return std::move(*batch);
  }
  return std::nullopt;
}

}  // namespace

int batch_command(const std::vector<std::string>& arguments, RankSession* ranks) {
  const auto index = arguments.size() == 2 ? exec::batch_index(arguments[1]) : std::nullopt;
  if (!index) {
    report_error(Error{
        "usage: furrow batch FOLDER N", "", 0,
        "Furrow itself starts this command on the nodes of a cluster; see furrow run --executor slurm."});
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  const auto ok = BatchRunner(exec::BatchFolder(os::absolute(arguments[0])), *index, ranks).run();
  if (!ok) return report_error(ok.error());
  return *ok ? 0 : 1;
}

}  // namespace furrow::cli
