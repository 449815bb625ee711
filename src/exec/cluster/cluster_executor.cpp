#include "exec/cluster/cluster_executor.hpp"

#include <algorithm>
#include <utility>

#include "exec/cluster/cluster_executor_impl.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"

namespace furrow::exec {

namespace {

constexpr std::int64_t kMostBatchCores = 8;
constexpr double kSuspicion_s = 2;  // until the next question, if an end needs an explanation
constexpr double kCancelAsk_s = 1;

// The smaller of two limits, where 0 means no limit.
std::int64_t smaller_limit(std::int64_t one, std::int64_t other) {
  return one > 0 && other > 0 ? std::min(one, other) : std::max(one, other);
}

}  // namespace

// --- batches of earlier engines

void ClusterExecutor::Impl::adopt(const std::function<bool(const std::string& key)>& is_open) {
  for (const BatchFolder& folder : spool_.unsettled()) adopt(folder);
  std::erase_if(adopted_, [&](const auto& known) { return is_open && !is_open(known.first); });
  if (in_flight() > 0) begin_monitoring();
}

void ClusterExecutor::Impl::adopt(const BatchFolder& folder) {
  const std::string name = folder.submitted(system_->name());
  std::vector<std::unique_ptr<SubmittedBatch>> batches;
  for (std::uint32_t index = 0; os::status(folder.spec(index)).exists(); ++index) {
    const auto spec = read_batch_spec(folder.spec(index));
    auto& batch = batches.emplace_back(std::make_unique<SubmittedBatch>(folder, index));
    batch->written_ns = os::status(folder.spec(index)).mtime_ns;
    if (!spec) continue;
    batch->is_group = !spec->group.empty();
    for (const BatchJob& job : spec->jobs)
      batch->entries.push_back(
          {.key = job.key, .name = job.name, .identity = job.identity, .after = job.after, .job = nullptr});
  }
  for (auto& batch : batches) {
    batch->log = folder.log() + (batches.size() > 1 ? "." + std::to_string(batch->index) : "");
    if (!name.empty()) batch->name = system_->batch_name(name, batch->index, batches.size());
    read(*batch);
    // The batch was never submitted, or its name was lost: it must not begin later without our knowledge.
    if (name.empty() && !batch->has_begun) withdraw(*batch);
    for (std::size_t i = 0; i < batch->entries.size(); ++i) {
      if (!batch->entries[i].is_lost) adopted_[batch->entries[i].key] = {batch.get(), i};
    }
    batches_.push_back(std::move(batch));
  }
}

SubmittedBatch* ClusterExecutor::Impl::batch_of(const std::string& key, std::size_t& index) const {
  const auto found = adopted_.find(key);
  if (found == adopted_.end()) return nullptr;
  index = found->second.second;
  return found->second.first;
}

plan::InFlightJobs::Answer ClusterExecutor::Impl::look(const Question& question) {
  std::size_t index = 0;
  SubmittedBatch* const batch = batch_of(question.key, index);
  if (batch == nullptr) return Answer::kNo;
  read(*batch);
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
  const bool may_run = !entry.end && !entry.is_lost && !withdraw(*batch);
  if (may_run) return Answer::kOther;
  adopted_.erase(question.key);
  return Answer::kNo;
}

bool ClusterExecutor::Impl::has_succeeded(const std::string& key) const {
  std::size_t index = 0;
  const SubmittedBatch* const batch = batch_of(key, index);
  return batch != nullptr && batch->entries[index].has_succeeded();
}

std::string ClusterExecutor::Impl::describe(const std::string& key) const {
  std::size_t index = 0;
  const SubmittedBatch* const batch = batch_of(key, index);
  return batch ? exec::describe(*batch, system_->name()) : std::string();
}

// --- starting

void ClusterExecutor::Impl::start(plan::Attempt attempt) {
  ++running;
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
    if (entry.is_real()) return begin_monitoring();
    job = std::move(entry.job);
  }
  if (job->attempt.launch.kind == plan::Launch::Kind::kNothing) return report_later(std::move(job), {});
  queue_.add(std::move(job));
  flush_alarm_.set(options_.collect_s);
}

void ClusterExecutor::Impl::flush() {
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
bool ClusterExecutor::Impl::is_worth_collecting(const PlannerOptions& planner,
                                                const std::vector<WaitingJob>& waiting) const {
  if (options_.one_each || planner.packing == Packing::kOne || in_flight() == 0) return false;
  const double window = std::min(options_.most_collect_s, 2.0 * static_cast<double>(submissions));
  if (os::monotonic_seconds() - queue_.since() > window) return false;
  return std::all_of(waiting.begin(), waiting.end(),
                     [&](const WaitingJob& job) { return is_short(job, planner); });
}

PlannerOptions ClusterExecutor::Impl::planner_options() const {
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

void ClusterExecutor::Impl::submit(const PlannedSubmission& planned) {
  submitting_.emplace();
  const auto submission = writer_.write(planned, queue_.take(planned), *submitting_);
  for (const auto& batch : submitting_->batches) expect_members(*batch);
  if (!submission) return refused(submission.error());
  ++submissions;
  next_submission_ = os::monotonic_seconds() + options_.pause_s;
  system_->submit(*submission, [this](Result<std::string> name) { submitted(std::move(name)); });
}

// When the farm starts further members of the group, start() will find them in this batch.
void ClusterExecutor::Impl::expect_members(SubmittedBatch& batch) {
  if (!batch.is_group) return;
  for (std::size_t i = 1; i < batch.entries.size(); ++i) {
    const std::string& key = batch.entries[i].key;
    queue_.forget_member(key);
    if (!batch.entries[i].job) adopted_[key] = {&batch, i};
  }
}

void ClusterExecutor::Impl::forget(const SubmittedBatch& batch) {
  std::erase_if(adopted_, [&](const auto& known) { return known.second.first == &batch; });
}

void ClusterExecutor::Impl::submitted(Result<std::string> name) {
  if (!submitting_) return;  // it was given up, and its runners will find the claims taken
  if (!name) return refused(name.error());
  (void)submitting_->folder.mark_submitted(*name,
                                           system_->name());  // if this fails, the claims still name the job
  const std::size_t count = submitting_->batches.size();
  for (auto& batch : submitting_->batches) {
    batch->name = system_->batch_name(*name, batch->index, count);
    batch->log = batch->folder.log() + (count > 1 ? "." + std::to_string(batch->index) : "");
    batches_.push_back(std::move(batch));
  }
  submitting_.reset();
  if (is_cancelling_) return cancel_all(plan::Stop::kGently);
  begin_monitoring();
  flush_alarm_.set(0);
}

// The submission was refused: each of its jobs fails with the reason.
void ClusterExecutor::Impl::refused(const Error& error) {
  WrittenBatches failed = std::move(*submitting_);
  submitting_.reset();
  for (auto& batch : failed.batches) {
    // The batch system may have accepted it although the answer says otherwise: it must not begin.
    if (!batch->folder.path().empty() && !withdraw(*batch)) {
      batches_.push_back(std::move(batch));
      begin_monitoring();
      continue;
    }
    for (SubmittedJob& entry : batch->entries) {
      if (!entry.job) continue;
      Exit exit{.status = -1,
                .cancelled = is_cancelling_,
                .error = error.to_string(),
                .started_at = os::wall_seconds()};
      report_later(std::move(entry.job), std::move(exit));
    }
    forget(*batch);
  }
  if (!failed.folder.path().empty()) (void)failed.folder.settle();
  flush_alarm_.set(options_.pause_s);
}

// --- ending

void ClusterExecutor::Impl::cancel_all(plan::Stop how) {
  is_cancelling_ = true;
  for (JobPtr& job : queue_.take_all())
    report_later(std::move(job), {.status = -1, .cancelled = true, .error = "the job had not begun"});
  std::vector<std::string> names = std::exchange(needless_, {});
  for (const auto& batch : batches_) {
    if (!is_wanted(*batch) && !(batch->is_group && is_open(*batch))) continue;
    if (!batch->name.empty()) names.push_back(batch->name);
    batch->was_cancelled = true;
    const bool never_begins = !batch->has_begun && withdraw(*batch);
    for (SubmittedJob& entry : batch->entries) {
      if (!entry.job || !(never_begins || entry.end)) continue;
      Exit exit = entry.end.value_or(Exit{.status = -1, .error = "the job had not begun"});
      exit.cancelled = true;
      report_later(std::move(entry.job), std::move(exit));
    }
  }
  if (!names.empty()) {
    ++cancels_in_flight_;
    system_->cancel(names, how == plan::Stop::kAtOnce, [this] {
      if (cancels_in_flight_ > 0 && --cancels_in_flight_ == 0) report_soon();
    });
  }
  loop_.cancel(cancel_timer_);
  cancel_timer_ = loop_.after(how == plan::Stop::kAtOnce ? 5 : options_.cancel_limit_s, [this] {
    cancel_timer_ = 0;
    give_up_waiting_for_cancelled();
  });
  if (running > 0) {
    begin_monitoring();
    ask_in(kCancelAsk_s);
  }
}

void ClusterExecutor::Impl::give_up_waiting_for_cancelled() {
  cancels_in_flight_ = 0;
  report_soon();
  if (submitting_) {
    for (auto& batch : submitting_->batches) {
      withdraw(*batch);
      batches_.push_back(std::move(batch));
    }
    submitting_.reset();
  }
  for (const auto& batch : batches_) {
    for (SubmittedJob& entry : batch->entries) {
      if (entry.job) lose(entry, *batch, "was cancelled and did not report how it ended");
    }
  }
}

void ClusterExecutor::Impl::interrupt(plan::JobId job, bool timed_out) {
  for (const auto& batch : batches_) {
    if (batch->entries.size() != 1 || batch->name.empty()) continue;
    SubmittedJob& entry = batch->entries.front();
    if (!entry.job || entry.job->attempt.job != job) continue;
    entry.job->is_interrupted = timed_out;
    batch->was_cancelled = true;
    system_->cancel({batch->name}, false, [] {});
    ask_in(kSuspicion_s);
  }
}

void ClusterExecutor::Impl::finish(const std::function<bool(const std::string& key)>& is_open_record) {
  std::map<std::string, std::pair<BatchFolder, bool>> folders;  // by path; with whether its logs are kept
  std::map<std::string, bool> is_needed;
  for (const auto& batch : batches_) {
    auto& [folder, failed] = folders.try_emplace(batch->folder.path(), batch->folder, false).first->second;
    for (const SubmittedJob& entry : batch->entries) {
      failed |= entry.is_lost || (entry.end && !entry.end->ok());
      const bool may_come = !entry.end && !entry.is_lost && !batch->was_cancelled;
      is_needed[folder.path()] |= entry.job != nullptr || may_come || is_open_record(entry.key);
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

// --- ClusterExecutor

ClusterExecutor::ClusterExecutor(os::EventLoop& loop, std::unique_ptr<BatchSystem> system, NeedsSource& needs,
                                 OutputSink* sink, ClusterOptions options)
    : impl_(std::make_unique<Impl>(loop, std::move(system), needs, sink, std::move(options))) {}

ClusterExecutor::~ClusterExecutor() = default;

void ClusterExecutor::adopt(const std::function<bool(const std::string& key)>& is_open) {
  impl_->adopt(is_open);
}
void ClusterExecutor::finish(const std::function<bool(const std::string& key)>& is_open) {
  impl_->finish(is_open);
}
std::size_t ClusterExecutor::submissions() const { return impl_->submissions; }
std::size_t ClusterExecutor::in_flight() const { return impl_->in_flight(); }
void ClusterExecutor::set_listener(plan::ExitListener* listener) { impl_->listener = listener; }
void ClusterExecutor::start(plan::Attempt attempt) { impl_->start(std::move(attempt)); }
std::size_t ClusterExecutor::running() const { return impl_->running; }
void ClusterExecutor::cancel_all(plan::Stop how) { impl_->cancel_all(how); }
void ClusterExecutor::interrupt(plan::JobId job, bool timed_out) { impl_->interrupt(job, timed_out); }
plan::InFlightJobs::Answer ClusterExecutor::look(const Question& question) { return impl_->look(question); }
bool ClusterExecutor::has_succeeded(const std::string& key) const { return impl_->has_succeeded(key); }
std::string ClusterExecutor::describe(const std::string& key) const { return impl_->describe(key); }

}  // namespace furrow::exec
