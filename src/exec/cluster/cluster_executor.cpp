#include "exec/cluster/cluster_executor.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/log.hpp"
#include "exec/cluster/batch_exit.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"

namespace furrow::exec {

namespace {

using plan::Exit;

constexpr std::int64_t kMostBatchCores = 8;
constexpr int kMostLosses = 3;  // an attempt that loses so many batches has failed
constexpr double kReadingAge_s = 1;

// The smaller of two limits, where 0 means no limit.
std::int64_t smaller_limit(std::int64_t one, std::int64_t other) {
  return one > 0 && other > 0 ? std::min(one, other) : std::max(one, other);
}

}  // namespace

ClusterExecutor::ClusterExecutor(os::EventLoop& loop, std::unique_ptr<BatchSystem> system, NeedsSource& needs,
                                 OutputSink* sink, ClusterOptions options)
    : loop_(loop),
      system_(std::move(system)),
      needs_(needs),
      options_(std::move(options)),
      output_(sink, options_.scratch),
      spool_(options_.spool),
      writer_(options_, *system_, spool_, needs, output_.is_one_stream()),
      queue_(needs, *system_),
      cancels_(*system_, [this] { report_soon(); }),
      monitor_(loop, *system_, options_, cancels_, *this),
      flush_alarm_(loop, [this] { flush(); }) {}

ClusterExecutor::~ClusterExecutor() {
  for (const std::uint64_t timer : {report_timer_, cancel_timer_}) loop_.cancel(timer);
}

// --- batches of earlier engines

void ClusterExecutor::adopt(const IsOpen& is_open) {
  for (const BatchFolder& folder : spool_.unsettled()) adopt_submission(folder);
  std::erase_if(adopted_, [&](const auto& known) { return is_open && !is_open(known.first); });
  if (in_flight() > 0) monitor_.begin();
}

void ClusterExecutor::adopt_submission(const BatchFolder& folder) {
  const std::string name = folder.submitted(system_->name());
  FURROW_LOG(cluster, info, "an earlier engine left {}, submitted as {}", folder.path(),
             name.empty() ? "nothing" : name);
  std::vector<std::unique_ptr<SubmittedBatch>> batches;
  BatchMonitor::Reading reading(monitor_);
  for (std::uint32_t index = 0; os::status(folder.spec(index)).exists(); ++index) {
    const auto spec = read_batch_spec(folder.spec(index));
    auto& batch = batches.emplace_back(std::make_unique<SubmittedBatch>(folder, index));
    batch->written_ns = os::status(folder.spec(index)).mtime_ns;
    if (!spec) continue;
    batch->is_group = !spec->group.empty();
    for (const BatchJob& job : spec->jobs)
      batch->entries.push_back({.key = job.key,
                                .name = job.name,
                                .identity = job.identity,
                                .after = job.after,
                                .is_in_gang = job.gang != 0,
                                .job = nullptr});
  }
  for (auto& batch : batches) {
    batch->log = folder.log() + (batches.size() > 1 ? "." + std::to_string(batch->index) : "");
    if (!name.empty()) batch->name = system_->batch_name(name, batch->index, batches.size());
    reading.read(*batch);
    // The batch was never submitted, or its name was lost: it must not begin later without our knowledge.
    if (name.empty() && !batch->has_begun) batch->withdraw();
    for (std::size_t i = 0; i < batch->entries.size(); ++i) {
      if (!batch->entries[i].is_lost) adopted_[batch->entries[i].key] = {batch.get(), i};
    }
    monitor_.add(std::move(batch));
  }
}

SubmittedBatch* ClusterExecutor::batch_of(const std::string& key, std::size_t& index) const {
  const auto found = adopted_.find(key);
  if (found == adopted_.end()) return nullptr;
  index = found->second.second;
  return found->second.first;
}

plan::InFlightJobs::Answer ClusterExecutor::look(const Question& question) {
  std::size_t index = 0;
  SubmittedBatch* const batch = batch_of(question.key, index);
  if (batch == nullptr) return Answer::kNo;
  if (const double now = os::monotonic_seconds(); !reading_ || now > reading_since_ + kReadingAge_s) {
    reading_.emplace(monitor_);
    reading_since_ = now;
  }
  reading_->read(*batch);
  SubmittedJob& entry = batch->entries[index];
  // An input that a job of the same batch has made is newer than the batch, and does not count.
  const auto is_made_there = [&](const Question::Input& input) {
    return std::any_of(entry.after.begin(), entry.after.end(),
                       [&](std::uint32_t before) { return batch->entries[before].key == input.made_by; });
  };
  const bool is_older = std::all_of(question.inputs.begin(), question.inputs.end(), [&](const auto& input) {
    return input.mtime_ns <= batch->written_ns || is_made_there(input);
  });
  const bool is_same = entry.identity == question.identity && is_older;
  const bool is_of_use = entry.end ? entry.end->ok() : !entry.is_lost;
  if (is_same && is_of_use) return Answer::kSame;
  const bool may_run = !entry.end && !entry.is_lost && !batch->withdraw();
  if (may_run) return Answer::kOther;
  adopted_.erase(question.key);
  return Answer::kNo;
}

bool ClusterExecutor::has_succeeded(const std::string& key) const {
  std::size_t index = 0;
  const SubmittedBatch* const batch = batch_of(key, index);
  return batch != nullptr && batch->entries[index].has_succeeded();
}

std::string ClusterExecutor::describe(const std::string& key) const {
  std::size_t index = 0;
  const SubmittedBatch* const batch = batch_of(key, index);
  return batch ? exec::describe(*batch, system_->name()) : std::string();
}

// --- starting

void ClusterExecutor::start(plan::Attempt attempt) {
  ++running_;
  auto job = std::make_unique<ClusterJob>();
  job->attempt = std::move(attempt);
  job->needs = needs_.needs(job->attempt);
  if (queue_.join(job)) return;
  std::size_t index = 0;
  if (SubmittedBatch* const batch = batch_of(job->needs.key, index);
      batch != nullptr && batch->entries[index].identity == job->needs.identity && job->attempt.number == 1) {
    SubmittedJob& entry = batch->entries[index];
    adopted_.erase(job->needs.key);
    entry.job = std::move(job);
    if (entry.is_real()) return monitor_.begin();
    job = std::move(entry.job);
  }
  if (job->attempt.launch.kind == plan::Launch::Kind::kNothing) return report_later(std::move(job), {});
  queue_.add(std::move(job));
  flush_alarm_.set(options_.collect_s);
}

void ClusterExecutor::on_look() {
  if (!queue_.empty()) flush_alarm_.set(0);
}

void ClusterExecutor::flush() {
  if (is_cancelling_ || submitting_ || queue_.empty()) return;
  if (!figures_) {
    if (std::exchange(asks_figures_, true)) return;
    return system_->figures([this](const SystemFigures& figures) {
      figures_ = figures;
      flush();
    });
  }
  if (const double wait = next_submission_ - os::monotonic_seconds(); wait > 0) return flush_alarm_.set(wait);
  const PlannerOptions planner = planner_options();
  const std::vector<WaitingJob> waiting = queue_.view(*figures_, options_.one_each);
  if (is_worth_collecting(planner, waiting)) return flush_alarm_.set(0.5);
  if (const auto planned = plan_submission(waiting, planner)) submit(*planned);
}

// While a batch runs, short jobs become ready one by one: it is worth waiting for more of them.
bool ClusterExecutor::is_worth_collecting(const PlannerOptions& planner,
                                          const std::vector<WaitingJob>& waiting) const {
  if (options_.one_each || planner.packing == Packing::kOne || in_flight() == 0) return false;
  const double window = std::min(options_.most_collect_s, 2.0 * static_cast<double>(submissions_));
  if (os::monotonic_seconds() - queue_.since() > window) return false;
  return std::all_of(waiting.begin(), waiting.end(),
                     [&](const WaitingJob& job) { return is_short(job, planner); });
}

PlannerOptions ClusterExecutor::planner_options() const {
  PlannerOptions planner;
  planner.packing = options_.one_each ? Packing::kOne : options_.packing;
  planner.max_array = options_.one_each ? 0 : figures_->max_array;
  planner.node_memory_mb = smaller_limit(figures_->node_memory_mb, options_.most_memory_mb);
  const std::int64_t node = figures_->node_cores > 0 ? figures_->node_cores : 4;
  planner.batch_cores = smaller_limit(
      options_.batch_cores > 0 ? options_.batch_cores : std::min(node, kMostBatchCores), options_.most_cores);
  planner.batch_nodes = options_.batch_nodes;
  planner.time_limits_min = figures_->time_limits_min;
  planner.slots = options_.max_batches - std::min(options_.max_batches, in_flight());
  return planner;
}

void ClusterExecutor::submit(const PlannedSubmission& planned) {
  submitting_.emplace();
  auto submission = writer_.write(planned, queue_.take(planned), *submitting_);
  for (const auto& batch : submitting_->batches) expect_members(*batch);
  if (!submission) return refused(submission.error());
  FURROW_LOG(cluster, info, "submission {}: {} batches, described in {}", submission->name,
             submission->batches, submission->folder);
  submission->left_out = left_out_.names();
  ++submissions_;
  next_submission_ = os::monotonic_seconds() + options_.pause_s;
  system_->submit(*submission, [this](Result<std::string> name) { submitted(std::move(name)); });
}

// When the farm starts further members of the group, start() will find them in this batch.
void ClusterExecutor::expect_members(SubmittedBatch& batch) {
  if (!batch.is_group) return;
  for (std::size_t i = 1; i < batch.entries.size(); ++i) {
    const std::string& key = batch.entries[i].key;
    queue_.forget_member(key);
    if (!batch.entries[i].job) adopted_[key] = {&batch, i};
  }
}

void ClusterExecutor::forget(const SubmittedBatch& batch) {
  std::erase_if(adopted_, [&](const auto& known) { return known.second.first == &batch; });
}

void ClusterExecutor::submitted(Result<std::string> name) {
  if (!submitting_) return;  // it was given up, and its runners will find the claims taken
  if (!name && !is_leaving_) return refused(name.error());
  if (!name) return submitting_.reset();
  FURROW_LOG(cluster, info, "{} has accepted the submission as {}", system_->name(), *name);
  // if this fails, the claims still name the job
  (void)submitting_->folder.mark_submitted(*name, system_->name());
  const std::size_t count = submitting_->batches.size();
  for (auto& batch : submitting_->batches) {
    batch->name = system_->batch_name(*name, batch->index, count);
    batch->log = batch->folder.log() + (count > 1 ? "." + std::to_string(batch->index) : "");
    monitor_.add(std::move(batch));
  }
  submitting_.reset();
  if (is_cancelling_) return cancel_all(plan::Stop::kGently);
  monitor_.begin();
  flush_alarm_.set(0);
}

// The submission was refused: each of its jobs fails with the reason, unless it is worth trying with all nodes.
void ClusterExecutor::refused(const Error& error) {
  FURROW_LOG(cluster, info, "the submission is refused: {} {}", error.message, error.detail);
  WrittenBatches failed = std::move(*submitting_);
  submitting_.reset();
  for (auto& batch : failed.batches) {
    // The batch system may have accepted it although the answer says otherwise: it must not begin.
    if (!batch->folder.path().empty() && !batch->withdraw()) {
      monitor_.add(std::move(batch));
      monitor_.begin();
      continue;
    }
    for (SubmittedJob& entry : batch->entries) {
      if (entry.job) refuse_job(std::move(entry.job), error);
    }
    forget(*batch);
  }
  left_out_.give_up();
  if (!failed.folder.path().empty()) (void)failed.folder.settle();
  flush_alarm_.set(options_.pause_s);
}

void ClusterExecutor::refuse_job(JobPtr job, const Error& error) {
  if (!left_out_.names().empty() && !is_cancelling_) return queue_.requeue(std::move(job));
  Exit exit{.status = -1,
            .cancelled = is_cancelling_,
            .error = error.to_string(),
            .started_at = os::wall_seconds()};
  report_later(std::move(job), std::move(exit));
}

// --- ending

// A batch whose submission has not been answered is left, too. If the engine ends before it is, a later engine
// withdraws the batch, unless it has begun.
std::vector<plan::JobId> ClusterExecutor::release() {
  is_leaving_ = true;
  std::vector<plan::JobId> left;
  const auto let_go = [&](SubmittedBatch& batch) {
    for (SubmittedJob& entry : batch.entries) {
      if (!entry.job || (entry.end && !is_doubtful(*entry.end))) continue;
      left.push_back(entry.job->attempt.job);
      entry.job.reset();
      --running_;
    }
  };
  for (const auto& batch : monitor_.batches()) let_go(*batch);
  if (submitting_) {
    for (const auto& batch : submitting_->batches) let_go(*batch);
  }
  return left;
}

void ClusterExecutor::cancel_all(plan::Stop how) {
  is_cancelling_ = true;
  for (JobPtr& job : queue_.take_all())
    report_later(std::move(job), {.status = -1, .cancelled = true, .error = "the job had not begun"});
  std::vector<std::string> names;
  for (const auto& batch : monitor_.batches()) {
    if (is_leaving_ || (!batch->is_wanted() && !(batch->is_group && batch->is_open()))) continue;
    if (!batch->name.empty()) names.push_back(batch->name);
    batch->was_cancelled = true;
    const bool never_begins = !batch->has_begun && batch->withdraw();
    for (SubmittedJob& entry : batch->entries) {
      if (!entry.job || !(never_begins || entry.end)) continue;
      Exit exit = entry.end.value_or(Exit{.status = -1, .error = "the job had not begun"});
      exit.cancelled = true;
      report_later(std::move(entry.job), std::move(exit));
    }
  }
  cancels_.cancel(names, how == plan::Stop::kAtOnce);
  loop_.cancel(cancel_timer_);
  cancel_timer_ = loop_.after(how == plan::Stop::kAtOnce ? 5 : options_.cancel_limit_s, [this] {
    cancel_timer_ = 0;
    give_up_waiting_for_cancelled();
  });
  if (running_ > 0) {
    monitor_.begin();
    monitor_.ask_in(BatchMonitor::kCancelAsk_s);
  }
}

void ClusterExecutor::give_up_waiting_for_cancelled() {
  cancels_.give_up();
  report_soon();
  if (submitting_ && !is_leaving_) {
    for (auto& batch : submitting_->batches) {
      batch->withdraw();
      monitor_.add(std::move(batch));
    }
    submitting_.reset();
  }
  for (const auto& batch : monitor_.batches()) {
    for (SubmittedJob& entry : batch->entries) {
      if (entry.job) lose(entry, *batch, "was cancelled and did not report how it ended");
    }
  }
}

void ClusterExecutor::interrupt(plan::JobId job, bool timed_out) {
  for (const auto& batch : monitor_.batches()) {
    if (batch->entries.size() != 1 || batch->name.empty()) continue;
    SubmittedJob& entry = batch->entries.front();
    if (!entry.job || entry.job->attempt.job != job) continue;
    entry.job->is_interrupted = timed_out;
    batch->was_cancelled = true;
    system_->cancel({batch->name}, false, [] {});
    monitor_.ask_in(BatchMonitor::kSuspicion_s);
  }
}

void ClusterExecutor::finish(const IsOpen& is_open) {
  std::map<std::string, std::pair<BatchFolder, bool>> folders;  // by path; with whether its logs are kept
  std::map<std::string, bool> is_needed;
  for (const auto& batch : monitor_.batches()) {
    auto& [folder, failed] = folders.try_emplace(batch->folder.path(), batch->folder, false).first->second;
    for (const SubmittedJob& entry : batch->entries) {
      failed |= entry.is_lost || (entry.end && !entry.end->ok());
      const bool may_come = !entry.end && !entry.is_lost && !batch->was_cancelled;
      is_needed[folder.path()] |= entry.job != nullptr || may_come || is_open(entry.key);
    }
  }
  for (const auto& [path, folder] : folders) {
    if (is_needed[path]) continue;
    if (folder.second) {
      (void)folder.first.settle();
    } else {
      (void)os::remove_tree(path);
    }
  }
  spool_.tidy(20);
}

// --- reporting

void ClusterExecutor::on_gone(SubmittedBatch& batch) {
  const std::string node = left_out_.note(batch);
  for (const SubmittedJob& entry : batch.entries) {
    if (node.empty() || !entry.job) continue;
    output_.say_node_is_left_out(*entry.job, batch, system_->name(), node);
    break;
  }
  for (SubmittedJob& entry : batch.entries) gone(batch, entry);
  flush_alarm_.set(0);
}

void ClusterExecutor::gone(SubmittedBatch& batch, SubmittedJob& entry) {
  if (entry.end) {
    if (entry.job) on_end(batch, entry);
    return;
  }
  entry.is_lost = true;
  if (!entry.job || wait_again(batch, entry)) return;
  lose(entry, batch, entry.has_started ? "ended while the job ran" : "ended before the job began");
}

// If its batch was lost and that was no fault of the job: puts the job back into the queue, as the same attempt.
bool ClusterExecutor::wait_again(SubmittedBatch& batch, SubmittedJob& entry) {
  if (entry.is_in_gang) return false;
  const bool is_preempted = batch.was_ended_by(BatchState::EndedBy::kPreemption);
  const bool is_no_fault = is_preempted || !entry.has_started || batch.was_given_up ||
                           batch.was_ended_by(BatchState::EndedBy::kNode);
  const bool is_wish =
      batch.was_cancelled || (!batch.was_given_up && batch.was_ended_by(BatchState::EndedBy::kUser));
  if (!is_no_fault || is_wish || is_cancelling_) return false;
  if (!is_preempted && ++entry.job->losses >= kMostLosses) return false;
  FURROW_LOG(cluster, info, "job {} goes back to the queue: its batch {} is gone, loss {}",
             entry.job->attempt.job, batch.name, entry.job->losses);
  if (entry.has_started) output_.say_it_is_repeated(*entry.job, batch, system_->name());
  queue_.requeue(std::move(entry.job));
  flush_alarm_.set(0);
  return true;
}

// Reports an attempt whose end is not known.
void ClusterExecutor::lose(SubmittedJob& entry, const SubmittedBatch& batch, const std::string& why) {
  Exit exit = exit_of_lost(batch, why, system_->name());
  exit.cancelled = is_cancelling_;
  exit.timed_out = entry.job->is_interrupted;
  report(std::move(entry.job), std::move(exit));
}

void ClusterExecutor::on_end(SubmittedBatch& batch, SubmittedJob& entry) {
  if (!entry.end->ok() && is_doubtful(*entry.end) && wait_again(batch, entry)) return;
  Exit exit = *entry.end;
  exit.timed_out |= entry.job->is_interrupted;
  exit.job = entry.job->attempt.job;
  exit.attempt = entry.job->attempt.number;
  exit.host = machine_of(batch);
  output_.show(exit, batch, std::exchange(entry.output, {}));
  // When the batch system cancels, its signal may end a job before the runner cancels it.
  exit.cancelled |= is_cancelling_ && batch.was_cancelled && !exit.ok();
  if (!exit.ok() && !is_cancelling_) explain_failure(exit, batch, system_->name());
  if (exit.ok()) queue_.note_duration(entry.job->needs.kind, exit.usage.wall_s);
  report(std::move(entry.job), std::move(exit));
}

void ClusterExecutor::on_begun(const SubmittedBatch& batch, const SubmittedJob& entry) {
  if (const std::string host = machine_of(batch); !host.empty())
    listener_->on_placed(entry.job->attempt.job, host);
}

// Empty if the batch has several: its jobs do not say on which of them they run.
std::string ClusterExecutor::machine_of(const SubmittedBatch& batch) const {
  return options_.batch_nodes > 1 ? "" : batch.host;
}

void ClusterExecutor::report(JobPtr job, Exit exit) {
  if (running_ == 1) cancels_.cancel_needless();
  if (running_ == 1 && cancels_.is_in_flight() && !is_cancelling_)
    return report_later(std::move(job), std::move(exit));
  exit.job = job->attempt.job;
  exit.attempt = job->attempt.number;
  if (!job->attempt.launch.scratch.empty()) ::unlink(job->attempt.launch.scratch.c_str());
  --running_;
  listener_->on_exit(std::move(exit));
}

void ClusterExecutor::report_later(JobPtr job, Exit exit) {
  to_report_.emplace_back(std::move(job), std::move(exit));
  report_soon();
}

// Waits until the queued batches have been cancelled: after the last report the run and this object may end.
void ClusterExecutor::report_soon() {
  if (report_timer_ != 0 || cancels_.is_in_flight()) return;
  report_timer_ = loop_.after(0, [this] {
    report_timer_ = 0;
    if (cancels_.is_in_flight()) return;
    for (auto& [ended, how] : std::exchange(to_report_, {})) report(std::move(ended), std::move(how));
  });
}

}  // namespace furrow::exec
