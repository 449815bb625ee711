#include "exec/cluster/cluster_executor.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/strings.hpp"
#include "exec/cluster/cluster_executor_impl.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"

namespace furrow::exec {

namespace {

constexpr std::int64_t kMostBatchCores = 8;
constexpr double kSuspicion_s = 2;  // until the next question, where something needs an explanation
constexpr double kCancelAsk_s = 1;

// 0: there is none.
std::int64_t smaller_limit(std::int64_t one, std::int64_t other) {
  return one > 0 && other > 0 ? std::min(one, other) : std::max(one, other);
}

}  // namespace

// --- what earlier engines left

void ClusterExecutor::Impl::adopt(const std::function<bool(const std::string& key)>& is_open) {
  for (const BatchFolder& folder : shelf_.unsettled()) adopt(folder);
  std::erase_if(adopted_, [&](const auto& known) { return is_open && !is_open(known.first); });
  if (in_flight() > 0) begin_following();
}

void ClusterExecutor::Impl::adopt(const BatchFolder& folder) {
  const std::string name = folder.submitted(system_->name());
  std::vector<std::unique_ptr<Flight>> flights;
  for (std::uint32_t index = 0; os::status(folder.batch(index)).exists(); ++index) {
    const auto batch = read_batch(folder.batch(index));
    auto& flight = flights.emplace_back(std::make_unique<Flight>(folder, index));
    flight->written_ns = os::status(folder.batch(index)).mtime_ns;
    if (!batch) continue;
    flight->is_group = !batch->group.empty();
    for (const BatchJob& job : batch->jobs)
      flight->entries.push_back(
          {.key = job.key, .name = job.name, .identity = job.identity, .after = job.after, .job = nullptr});
  }
  for (auto& flight : flights) {
    flight->log = folder.log() + (flights.size() > 1 ? "." + std::to_string(flight->index) : "");
    if (!name.empty()) flight->name = system_->batch_name(name, flight->index, flights.size());
    read(*flight);
    // It was never submitted, or nobody knows under which name: it must not begin later, behind our back.
    if (name.empty() && !flight->has_begun) withdraw(*flight);
    for (std::size_t i = 0; i < flight->entries.size(); ++i) {
      if (!flight->entries[i].is_lost) adopted_[flight->entries[i].key] = {flight.get(), i};
    }
    flights_.push_back(std::move(flight));
  }
}

Flight* ClusterExecutor::Impl::flight_of(const std::string& key, std::size_t& place) const {
  const auto found = adopted_.find(key);
  if (found == adopted_.end()) return nullptr;
  place = found->second.second;
  return found->second.first;
}

plan::UnderWay::Answer ClusterExecutor::Impl::look(const Question& question) {
  std::size_t place = 0;
  Flight* const flight = flight_of(question.key, place);
  if (flight == nullptr) return Answer::kNo;
  read(*flight);
  FlightEntry& entry = flight->entries[place];
  // What jobs of the same batch have made for it is newer than the batch.
  const auto is_made_there = [&](const Question::Input& input) {
    return std::any_of(entry.after.begin(), entry.after.end(),
                       [&](std::uint32_t before) { return flight->entries[before].key == input.made_by; });
  };
  const bool is_older = std::all_of(question.inputs.begin(), question.inputs.end(), [&](const auto& input) {
    return input.mtime_ns <= flight->written_ns || is_made_there(input);
  });
  const bool is_same = entry.identity == question.identity && is_older;
  const bool is_of_use = entry.end ? entry.end->ok() : !entry.is_lost;
  if (is_same && is_of_use) return Answer::kSame;
  const bool may_run = !entry.end && !entry.is_lost && !withdraw(*flight);
  if (may_run) return Answer::kOther;
  adopted_.erase(question.key);
  return Answer::kNo;
}

bool ClusterExecutor::Impl::has_succeeded(const std::string& key) const {
  std::size_t place = 0;
  const Flight* const flight = flight_of(key, place);
  return flight != nullptr && flight->entries[place].has_succeeded();
}

std::string ClusterExecutor::Impl::describe(const std::string& key) const {
  std::size_t place = 0;
  const Flight* const flight = flight_of(key, place);
  return flight ? exec::describe(*flight, system_->name()) : std::string();
}

// --- starting

void ClusterExecutor::Impl::start(plan::Attempt attempt) {
  ++running;
  auto job = std::make_unique<ClusterJob>();
  job->attempt = std::move(attempt);
  job->needs = needs_.needs(job->attempt);
  if (const auto mate = mates_.find(job->needs.key); mate != mates_.end()) {
    *mate->second = std::move(job);
    return;
  }
  std::size_t place = 0;
  if (Flight* const flight = flight_of(job->needs.key, place);
      flight != nullptr && flight->entries[place].identity == job->needs.identity &&
      job->attempt.number == 1) {
    FlightEntry& entry = flight->entries[place];
    adopted_.erase(job->needs.key);
    entry.job = std::move(job);
    if (entry.is_real()) return begin_following();
    job = std::move(entry.job);
  }
  if (job->attempt.launch.kind == plan::Launch::Kind::kNothing) return report_later(std::move(job), {});
  lead(job);
  if (waiting_.empty()) waiting_since_ = os::monotonic_seconds();
  waiting_.push_back(std::move(job));
  flush_in(options_.collect_s);
}

// Those that go along with it, if any, are known from now on: the farm may start them before the batch is
// written.
void ClusterExecutor::Impl::lead(Job& job) {
  job->group = needs_.group(job->attempt);
  if (!job->group) return;
  job->mates.resize(job->group->mates.size());
  for (std::size_t i = 0; i < job->mates.size(); ++i) mates_[job->group->mates[i].needs.key] = &job->mates[i];
}

// No more at a time than a node has.
void ClusterExecutor::Impl::find_group_allocations() {
  for (const Job& job : waiting_) {
    if (!job->group || job->own) continue;
    job->own = job->needs.allocation;
    job->needs.allocation = needs_.together(job->attempt, figures_->node_cores, figures_->node_memory_mb);
  }
}

void ClusterExecutor::Impl::flush_in(double delay_s) {
  const double at = os::monotonic_seconds() + delay_s;
  if (flush_timer_ != 0 && flush_at_ <= at) return;
  loop_.cancel(flush_timer_);
  flush_at_ = at;
  flush_timer_ = loop_.after(delay_s, [this] {
    flush_timer_ = 0;
    flush();
  });
}

void ClusterExecutor::Impl::flush() {
  if (is_cancelling_ || submitting_ || waiting_.empty()) return;
  if (!figures_) {
    if (std::exchange(asks_figures_, true)) return;
    return system_->figures([this](const SystemFigures& figures) {
      figures_ = figures;
      flush();
    });
  }
  if (const double wait = next_submission_ - os::monotonic_seconds(); wait > 0) return flush_in(wait);
  find_group_allocations();
  const PlannerOptions planner = planner_options();
  const std::vector<WaitingJob> waiting = waiting_jobs();
  if (is_worth_collecting(planner, waiting)) return flush_in(0.5);
  if (const auto planned = plan_submission(waiting, planner)) submit(*planned);
}

// Short jobs become ready one by one while a batch runs.
bool ClusterExecutor::Impl::is_worth_collecting(const PlannerOptions& planner,
                                                const std::vector<WaitingJob>& waiting) const {
  if (options_.one_each || planner.packing == Packing::kOne || in_flight() == 0) return false;
  const double window = std::min(options_.most_collect_s, 2.0 * static_cast<double>(submissions));
  if (os::monotonic_seconds() - waiting_since_ > window) return false;
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

std::vector<WaitingJob> ClusterExecutor::Impl::waiting_jobs() const {
  std::vector<WaitingJob> waiting;
  waiting.reserve(waiting_.size());
  for (const Job& job : waiting_) {
    const auto measured = measured_.find(job->needs.kind);
    const double mean =
        measured == measured_.end() ? 0 : measured->second.sum / static_cast<double>(measured->second.count);
    waiting.push_back({&job->needs, mean, options_.one_each || job->group});
  }
  return waiting;
}

// Takes the planned jobs out of what waits.
std::vector<ClusterExecutor::Impl::Job> ClusterExecutor::Impl::take(const PlannedSubmission& planned,
                                                                    std::vector<std::vector<Job>>& batches) {
  for (const PlannedBatch& batch : planned.batches) {
    auto& jobs = batches.emplace_back();
    for (const std::size_t place : batch.jobs) jobs.push_back(std::move(waiting_[place]));
  }
  std::vector<Job> left;
  for (Job& job : waiting_) {
    if (job) left.push_back(std::move(job));
  }
  return left;
}

void ClusterExecutor::Impl::submit(const PlannedSubmission& planned) {
  Submission submission;
  submission.batches = planned.batches.size();
  submission.allocation = planned.allocation;
  submission.has_ranks = planned.is_packed && planned.allocation.nodes > 1;
  submission.directory = options_.directory;
  const ClusterJob& first = *waiting_[planned.batches.front().jobs.front()];
  submission.name = "furrow-" + (planned.is_packed ? std::string("batch")
                                 : first.group     ? first.group->name
                                                   : first.needs.kind);
  submitting_.emplace();
  if (auto written = write(planned, submission); !written) return refused(written.error());
  ++submissions;
  next_submission_ = os::monotonic_seconds() + options_.pause_s;
  system_->submit(submission, [this](Result<std::string> name) { submitted(std::move(name)); });
}

Result<void> ClusterExecutor::Impl::write(const PlannedSubmission& planned, Submission& submission) {
  NeedsSource::Words words;
  Result<void> done;
  if (options_.one_each) {
    const plan::Attempt* const attempt = &waiting_[planned.batches.front().jobs.front()]->attempt;
    auto answered = needs_.words({&attempt, 1});
    if (answered.front()) {
      words = std::move(*answered.front());
    } else {
      done = fail(std::move(answered.front().error()));
    }
  }
  // From here on the jobs are where refused() finds them.
  std::vector<std::vector<Job>> batches;
  std::vector<Job> left = take(planned, batches);
  waiting_.assign(std::make_move_iterator(left.begin()), std::make_move_iterator(left.end()));
  if (!waiting_.empty()) waiting_since_ = os::monotonic_seconds();
  auto folder = shelf_.add();
  if (!folder && done) done = fail(std::move(folder.error()));
  if (folder) submitting_->folder = *folder;
  for (std::uint32_t index = 0; index < batches.size(); ++index) {
    auto& flight = submitting_->flights.emplace_back(std::make_unique<Flight>(submitting_->folder, index));
    Batch batch;
    batch.id = submitting_->folder.id();
    batch.index = index;
    batch.directory = options_.directory;
    batch.one_stream = sink_ != nullptr && sink_->is_one_stream();
    batch.cores = planned.is_packed ? submission.allocation.cores : 0;
    batch.memory_mb = planned.is_packed ? submission.allocation.memory_mb : 0;
    for (Job& job : batches[index]) {
      batch.timeout_s = job->attempt.timeout_s;
      if (job->group) {
        add_group(*flight, batch, std::move(job));
        continue;
      }
      add_job(*flight, batch, job->attempt, job->needs, planned.is_packed ? &job->needs.allocation : nullptr);
      flight->entries.back().job = std::move(job);
    }
    if (done) done = write_batch(flight->folder.batch(index), batch);
    flight->written_ns = os::status(flight->folder.batch(index)).mtime_ns;
  }
  if (!done) return done;
  submission.folder = submitting_->folder.path();
  submission.script = submitting_->folder.script();
  submission.log = submitting_->folder.log();
  submission.command = std::move(words.command);
  return write_script(submission, words.properties);
}

// SHARE: of the batch's cores and memory; null: it has them all.
void ClusterExecutor::Impl::add_job(Flight& flight, Batch& batch, const plan::Attempt& attempt,
                                    const ClusterNeeds& needs, const Allocation* share) const {
  if (attempt.launch.kind == plan::Launch::Kind::kFork && options_.evaluator)
    batch.evaluator = options_.evaluator();
  flight.entries.push_back(
      {.key = needs.key, .name = needs.name, .identity = needs.identity, .job = nullptr});
  batch.jobs.push_back({.key = needs.key,
                        .name = needs.name,
                        .identity = needs.identity,
                        .attempt = attempt.number,
                        .cores = share ? std::max<std::int64_t>(1, share->cores) : 0,
                        .memory_mb = share ? share->memory_mb : 0,
                        .launch = attempt.launch});
}

// A leader, and those that go along with it.
void ClusterExecutor::Impl::add_group(Flight& flight, Batch& batch, Job leader) {
  GroupNeeds group = std::move(*std::exchange(leader->group, std::nullopt));
  auto here = std::exchange(leader->mates, {});
  batch.group = group.name;
  batch.cores = leader->needs.allocation.cores;
  batch.memory_mb = leader->needs.allocation.memory_mb;
  flight.is_group = true;
  leader->needs.allocation = *std::exchange(leader->own, std::nullopt);
  add_job(flight, batch, leader->attempt, leader->needs, &leader->needs.allocation);
  batch.jobs.back().files = std::move(group.files);
  flight.entries.back().job = std::move(leader);
  for (std::size_t i = 0; i < group.mates.size(); ++i) {
    GroupNeeds::Mate& mate = group.mates[i];
    add_job(flight, batch, mate.attempt, mate.needs, &mate.needs.allocation);
    batch.jobs.back().after = flight.entries.back().after = std::move(mate.after);
    batch.jobs.back().files = std::move(mate.files);
    mates_.erase(mate.needs.key);
    if (here[i]) {
      flight.entries.back().job = std::move(here[i]);
    } else {
      adopted_[mate.needs.key] = {&flight, flight.entries.size() - 1};
    }
  }
}

void ClusterExecutor::Impl::forget(const Flight& flight) {
  std::erase_if(adopted_, [&](const auto& known) { return known.second.first == &flight; });
}

Result<void> ClusterExecutor::Impl::write_script(const Submission& submission,
                                                 const std::string& properties) const {
  std::string text = "#!/bin/sh\n";
  if (!properties.empty()) text += "# properties = " + properties + "\n";
  const Allocation& asked = submission.allocation;
  // A rank on each node, which end together.
  const std::string start = submission.has_ranks
                                ? fmt::format(
                                      "srun --mpi=pmix --kill-on-bad-exit=1 --input=none --ntasks={} "
                                      "--ntasks-per-node=1 --cpus-per-task={} ",
                                      asked.tasks, std::max<std::int64_t>(1, asked.cores))
                                : std::string();
  text +=
      fmt::format("exec {}{} batch {} {}\n", start, shell_quote(options_.program),
                  shell_quote(submission.folder), submission.batches > 1 ? "\"$SLURM_ARRAY_TASK_ID\"" : "0");
  if (auto written = os::write_file(submission.script, text); !written) return written;
  if (::chmod(submission.script.c_str(), 0755) != 0)
    return fail(system_error("cannot make " + submission.script + " executable"));
  return {};
}

void ClusterExecutor::Impl::submitted(Result<std::string> name) {
  if (!submitting_) return;  // it was given up, and will find its claims taken
  if (!name) return refused(name.error());
  (void)submitting_->folder.mark_submitted(*name, system_->name());  // without it the claims still tell
  const std::size_t count = submitting_->flights.size();
  for (auto& flight : submitting_->flights) {
    flight->name = system_->batch_name(*name, flight->index, count);
    flight->log = flight->folder.log() + (count > 1 ? "." + std::to_string(flight->index) : "");
    flights_.push_back(std::move(flight));
  }
  submitting_.reset();
  if (is_cancelling_) return cancel_all(plan::Stop::kGently);
  begin_following();
  flush_in(0);
}

// The jobs that were to be submitted fail, each with the reason.
void ClusterExecutor::Impl::refused(const Error& error) {
  Submitting failed = std::move(*submitting_);
  submitting_.reset();
  for (auto& flight : failed.flights) {
    // The batch system may have taken it all the same, and not have said so: it must not begin.
    if (!flight->folder.path().empty() && !withdraw(*flight)) {
      flights_.push_back(std::move(flight));
      begin_following();
      continue;
    }
    for (FlightEntry& entry : flight->entries) {
      if (!entry.job) continue;
      Exit exit{.status = -1,
                .cancelled = is_cancelling_,
                .error = error.to_string(),
                .started_at = os::wall_seconds()};
      report_later(std::move(entry.job), std::move(exit));
    }
    forget(*flight);
  }
  if (!failed.folder.path().empty()) (void)failed.folder.settle();
  flush_in(options_.pause_s);
}

// --- ending

void ClusterExecutor::Impl::cancel_all(plan::Stop how) {
  is_cancelling_ = true;
  mates_.clear();
  for (Job& job : std::exchange(waiting_, {})) {
    for (Job& mate : job->mates) {
      if (mate) report_later(std::move(mate), {.status = -1, .cancelled = true, .error = "it had not begun"});
    }
    report_later(std::move(job), {.status = -1, .cancelled = true, .error = "it had not begun"});
  }
  std::vector<std::string> names;
  for (const auto& flight : flights_) {
    if (!is_wanted(*flight) && !(flight->is_group && is_open(*flight))) continue;
    if (!flight->name.empty()) names.push_back(flight->name);
    flight->was_cancelled = true;
    const bool never_begins = !flight->has_begun && withdraw(*flight);
    for (FlightEntry& entry : flight->entries) {
      if (!entry.job || !(never_begins || entry.end)) continue;
      Exit exit = entry.end.value_or(Exit{.status = -1, .error = "it had not begun"});
      exit.cancelled = true;
      report_later(std::move(entry.job), std::move(exit));
    }
  }
  if (!names.empty()) {
    ++cancels_under_way_;
    system_->cancel(names, how == plan::Stop::kAtOnce, [this] {
      if (cancels_under_way_ > 0 && --cancels_under_way_ == 0) report_soon();
    });
  }
  loop_.cancel(cancel_timer_);
  cancel_timer_ = loop_.after(how == plan::Stop::kAtOnce ? 5 : options_.cancel_limit_s, [this] {
    cancel_timer_ = 0;
    give_up_waiting_for_cancelled();
  });
  if (running > 0) {
    begin_following();
    ask_in(kCancelAsk_s);
  }
}

void ClusterExecutor::Impl::give_up_waiting_for_cancelled() {
  cancels_under_way_ = 0;
  report_soon();
  if (submitting_) {
    for (auto& flight : submitting_->flights) {
      withdraw(*flight);
      flights_.push_back(std::move(flight));
    }
    submitting_.reset();
  }
  for (const auto& flight : flights_) {
    for (FlightEntry& entry : flight->entries) {
      if (entry.job) lose(entry, *flight, "was cancelled and has not said how it ended");
    }
  }
}

void ClusterExecutor::Impl::interrupt(plan::JobId job, bool timed_out) {
  for (const auto& flight : flights_) {
    if (flight->entries.size() != 1 || flight->name.empty()) continue;
    FlightEntry& entry = flight->entries.front();
    if (!entry.job || entry.job->attempt.job != job) continue;
    entry.job->is_interrupted = timed_out;
    flight->was_cancelled = true;
    system_->cancel({flight->name}, false, [] {});
    ask_in(kSuspicion_s);
  }
}

void ClusterExecutor::Impl::finish(const std::function<bool(const std::string& key)>& is_open_record) {
  std::map<std::string, std::pair<BatchFolder, bool>> folders;  // and whether its logs are wanted
  std::map<std::string, bool> is_needed;
  for (const auto& flight : flights_) {
    auto& [folder, failed] = folders.try_emplace(flight->folder.path(), flight->folder, false).first->second;
    for (const FlightEntry& entry : flight->entries) {
      failed |= entry.is_lost || (entry.end && !entry.end->ok());
      const bool may_come = !entry.end && !entry.is_lost && !flight->was_cancelled;
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
  shelf_.tidy(20);
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
plan::UnderWay::Answer ClusterExecutor::look(const Question& question) { return impl_->look(question); }
bool ClusterExecutor::has_succeeded(const std::string& key) const { return impl_->has_succeeded(key); }
std::string ClusterExecutor::describe(const std::string& key) const { return impl_->describe(key); }

}  // namespace furrow::exec
