#include "cli/batch/batch_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>

#include "cli/batch/batch_source.hpp"
#include "cli/node_evaluator.hpp"
#include "cli/ranks.hpp"
#include "cli/tell.hpp"
#include "exec/batch/batch_shelf.hpp"
#include "exec/local/local_executor.hpp"
#include "exec/ranks/mpi_executor.hpp"
#include "farm/farm.hpp"
#include "os/cores/cores.hpp"
#include "os/events/clock.hpp"
#include "os/events/signals.hpp"
#include "os/files/files.hpp"
#include "os/process/guard.hpp"

namespace furrow::cli {

namespace {

constexpr double kPatience_s = 60;  // for the batch to show on a network file system
constexpr unsigned kLookAgain_us = 500'000;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

// As Slurm's squeue shows it; of another batch system: as it is.
std::string system_name() {
  const std::string array = variable("SLURM_ARRAY_JOB_ID"), task = variable("SLURM_ARRAY_TASK_ID");
  if (!array.empty() && !task.empty()) return array + "_" + task;
  for (const char* name : {"SLURM_JOB_ID", "PBS_JOBID", "JOB_ID", "LSB_JOBID"}) {
    if (const std::string value = variable(name); !value.empty()) return value;
  }
  return {};
}

Result<exec::Batch> wait_for_batch(const exec::BatchFolder& folder, std::uint32_t index) {
  const double until = os::monotonic_seconds() + kPatience_s;
  for (;;) {
    (void)os::list_directory(folder.path());  // a network file system looks again
    auto batch = exec::read_batch(folder.batch(index));
    const bool may_come = !os::status(folder.batch(index)).exists();
    if (batch || !may_come || os::monotonic_seconds() > until) return batch;
    ::usleep(kLookAgain_us);
  }
}

class BatchRun {
 public:
  BatchRun(exec::Batch batch, std::string folder, exec::JournalWriter& journal, Ranks* ranks)
      : batch_(std::move(batch)), folder_(std::move(folder)), journal_(journal), ranks_(ranks) {}

  Result<bool> run();
  bool was_stopped() const { return was_stopped_; }

 private:
  Result<void> start_evaluator(os::EventLoop& loop);
  std::int64_t find_shares();
  std::unique_ptr<exec::MpiExecutor> executor_on_ranks(os::EventLoop& loop, plan::Executor& local,
                                                       exec::OutputSink& sink, const std::string& scratch);

  exec::Batch batch_;
  const std::string folder_;
  exec::JournalWriter& journal_;
  Ranks* const ranks_;                   // null: this process is alone
  std::vector<exec::RankShare> shares_;  // theirs
  std::unique_ptr<os::Guard> guard_;
  std::unique_ptr<snakefile::EvaluatorProcess> evaluator_;
  bool was_stopped_ = false;
};

// For `run:` blocks: the same Snakefile, run again here.
Result<void> BatchRun::start_evaluator(os::EventLoop& loop) {
  if (batch_.evaluator.load.empty()) return {};
  auto started = start_node_evaluator(batch_.evaluator, loop, *guard_);
  if (!started) return fail(std::move(started.error()));
  evaluator_ = std::move(*started);
  return {};
}

// The batch's cores are those of each of its nodes, on which there is one rank. All of them together.
std::int64_t BatchRun::find_shares() {
  const std::int64_t own = std::max<std::int64_t>(1, batch_.cores);
  if (!ranks_) return own;
  for (const exec::RankFigures& rank : ranks_->team().ranks())
    shares_.push_back({batch_.cores > 0 ? own : rank.cores, batch_.memory_mb});
  std::int64_t cores = 0;
  for (const exec::RankShare& share : shares_) cores += share.cores;
  return cores;
}

std::unique_ptr<exec::MpiExecutor> BatchRun::executor_on_ranks(os::EventLoop& loop, plan::Executor& local,
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
  return std::make_unique<exec::MpiExecutor>(loop, ranks_->team(), local, &sink, std::move(options));
}

Result<bool> BatchRun::run() {
  if (auto changed = os::change_directory(batch_.directory); !changed)
    return fail(std::move(changed.error()));
  os::EventLoop loop;
  farm::Farm* running = nullptr;
  int stopped_early = 0;
  const os::SignalWatch signals(loop, os::not_ignored({SIGINT, SIGTERM, SIGHUP}), [&](int signal) {
    running ? running->stop(signal) : static_cast<void>(stopped_early = signal);
  });
  auto guard = os::Guard::create();
  if (!guard) return fail(std::move(guard.error()));
  guard_ = std::move(*guard);
  if (auto started = start_evaluator(loop); !started) return fail(std::move(started.error()));
  if (auto watched = guard_->watch({}); !watched) return fail(std::move(watched.error()));

  plan::Resources resources;
  plan::Budget budget;
  const std::int64_t cores = find_shares();
  const std::int64_t ahead = ranks_ ? exec::MpiExecutor::most_ahead(shares_) : 0;
  budget.set_limit(plan::kCores, cores + ahead);
  const std::int64_t memory_mb = ranks_ ? 0 : batch_.memory_mb;  // each rank looks after its own
  if (memory_mb > 0) budget.set_limit(resources.index("memory_mb"), memory_mb);
  BatchSource source(batch_, folder_, journal_, resources, cores, memory_mb);
  plan::JobGraph graph;
  source.plan(graph);
  const std::string temporary = variable("TMPDIR");
  const std::string scratch = temporary.empty() ? "/tmp" : temporary;
  exec::LocalExecutor local(loop, guard_.get(), evaluator_.get(), &source, {.scratch = scratch});
  std::unique_ptr<exec::MpiExecutor> on_ranks;
  if (ranks_) on_ranks = executor_on_ranks(loop, local, source, scratch);
  plan::Executor& executor = on_ranks ? static_cast<plan::Executor&>(*on_ranks) : local;
  farm::Farm farm(graph, resources, std::move(budget), executor, source, loop,
                  {.keep_going = true, .timeout_s = batch_.timeout_s});
  running = &farm;
  if (stopped_early != 0) farm.stop(stopped_early);
  const farm::Summary summary = farm.run();
  running = nullptr;
  was_stopped_ = summary.signal != 0;
  if (summary.error) return fail(*summary.error);
  if (summary.signal == 0) source.end_skipped(graph);
  if (evaluator_) evaluator_->detach();
  return summary.ok() && source.all_ok();
}

// Runs a batch after the other in one allocation: that for which it was made, and then, where time is left,
// those of the same submission that nobody has begun. So a submission of short jobs does not wait for the
// batch system to start each of its batches.
class BatchRunner {
 public:
  BatchRunner(exec::BatchFolder folder, std::uint32_t index, Ranks* ranks)
      : folder_(std::move(folder)), index_(index), ranks_(ranks) {}

  Result<bool> run();  // whether all went well

 private:
  Result<bool> claim_and_run(exec::Batch batch);
  bool has_time_for(double longest_s) const;
  std::optional<exec::Batch> another() const;

  const exec::BatchFolder folder_;
  const std::uint32_t index_;
  Ranks* const ranks_;
  const std::string name_ = system_name();
  const double began_ = os::monotonic_seconds();
  double time_s_ = 0;     // of this allocation; 0: it is for one batch
  double slowest_s_ = 0;  // of the batches that it has run
  bool ran_ = false, was_stopped_ = false;
};

Result<bool> BatchRunner::run() {
  auto batch = wait_for_batch(folder_, index_);
  if (!batch) return fail(std::move(batch.error()));
  time_s_ = batch->time_s;
  auto ok = claim_and_run(std::move(*batch));
  // Who finds its own batch taken leaves: the engine may cancel such a job at any time.
  while (ok && ran_ && !was_stopped_ && !ranks_) {
    auto next = another();
    if (!next) break;
    const auto went = claim_and_run(std::move(*next));
    if (!went) return went;
    *ok = *ok && *went;
  }
  return ok;
}

// True, too, where somebody else has it.
Result<bool> BatchRunner::claim_and_run(exec::Batch batch) {
  const double began = os::monotonic_seconds();
  const std::uint32_t index = batch.index;
  auto claimed = folder_.claim(index, "run " + name_);
  if (!claimed) return fail(std::move(claimed.error()));
  if (!*claimed) return true;
  ran_ = true;
  auto journal = exec::JournalWriter::create(folder_.journal(index));
  if (!journal) return fail(std::move(journal.error()));
  (*journal)->begin(batch.id, index, name_, index_);
  if (auto written = (*journal)->commit(); !written) return fail(std::move(written.error()));
  BatchRun run(std::move(batch), folder_.path(), **journal, ranks_);
  auto ok = run.run();
  if (!ok) return ok;
  was_stopped_ = run.was_stopped();
  (*journal)->over();
  if (auto written = (*journal)->commit(); !written) return fail(std::move(written.error()));
  if (auto written = (*journal)->sync(); !written) return fail(std::move(written.error()));
  slowest_s_ = std::max(slowest_s_, os::monotonic_seconds() - began);
  return ok;
}

// For twice what the slowest batch has taken, and a job that takes as long as its rule allows.
bool BatchRunner::has_time_for(double longest_s) const {
  const double used_s = os::monotonic_seconds() - began_;
  return used_s + 2 * slowest_s_ + longest_s <= time_s_;
}

// From the last on: the batch system begins with the first.
std::optional<exec::Batch> BatchRunner::another() const {
  if (!has_time_for(0)) return std::nullopt;  // then none need be read
  for (const std::uint32_t index : folder_.unclaimed()) {
    auto batch = exec::read_batch(folder_.batch(index));
    if (batch && has_time_for(batch->longest_s)) return std::move(*batch);
  }
  return std::nullopt;
}

}  // namespace

int batch_command(const std::vector<std::string>& arguments, Ranks* ranks) {
  const auto index = arguments.size() == 2 ? exec::batch_index(arguments[1]) : std::nullopt;
  if (!index) {
    tell(Error{
        "usage: furrow batch FOLDER N", "", 0,
        "This is what Furrow itself starts on the nodes of a cluster; see furrow run --executor slurm."});
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  const auto ok = BatchRunner(exec::BatchFolder(os::absolute(arguments[0])), *index, ranks).run();
  if (!ok) return tell(ok.error());
  return *ok ? 0 : 1;
}

}  // namespace furrow::cli
