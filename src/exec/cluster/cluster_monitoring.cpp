#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "exec/cluster/cluster_executor_impl.hpp"
#include "exec/output/printed.hpp"
#include "os/events/clock.hpp"
#include "os/files/descriptor.hpp"
#include "os/files/files.hpp"

namespace furrow::exec {

namespace {

using plan::Exit;

constexpr int kAnswersUntilGone = 2;
constexpr int kMostDoubts = 4;      // an unexplained end is held for so many answers
constexpr int kMostLosses = 3;      // an attempt that loses so many batches has failed
constexpr double kSuspicion_s = 2;  // until the next question, if an end needs an explanation
constexpr double kCancelAsk_s = 1;

// Whether the job may have been ended from outside.
bool is_doubtful(const Exit& exit) {
  return exit.cancelled || exit.signal != 0 || exit.status > 128 || (exit.status < 0 && exit.error.empty());
}

std::string how_it_ended(const Exit& exit) {
  if (exit.timed_out) return "the job took too long";
  if (!exit.error.empty()) return exit.error;
  if (exit.signal != 0) return fmt::format("ended by signal {} ({})", exit.signal, ::strsignal(exit.signal));
  if (exit.status > 128 && exit.status <= 192)
    return fmt::format("exit code {}: a program in it was ended by signal {} ({})", exit.status,
                       exit.status - 128, ::strsignal(exit.status - 128));
  return fmt::format("exit code {}", exit.status);
}

}  // namespace

// --- following

void ClusterExecutor::Impl::begin_monitoring() {
  look_delay_ = options_.look_first_s;
  look_in(look_delay_);
  ask_in(ask_delay_);
}

void ClusterExecutor::Impl::look_in(double delay_s) {
  loop_.cancel(look_timer_);
  look_timer_ = loop_.after(delay_s, [this] {
    look_timer_ = 0;
    look_at_journals();
  });
}

void ClusterExecutor::Impl::look_at_journals() {
  bool has_news = false, is_waiting = false;
  for (const auto& batch : batches_) {
    if (!is_monitored(*batch)) continue;
    has_news |= read(*batch);
    report_known(*batch);
    is_waiting |= is_monitored(*batch);
  }
  look_delay_ = has_news ? options_.look_first_s : std::min(options_.look_most_s, look_delay_ * 1.3);
  if (is_waiting) look_in(look_delay_);
  if (!queue_.empty()) flush_alarm_.set(0);
}

// Reports ends that were read before the farm started the job.
void ClusterExecutor::Impl::report_known(SubmittedBatch& batch) {
  for (SubmittedJob& entry : batch.entries) {
    if (entry.job && entry.end && entry.is_known) {
      entry.is_known = false;
      ended(batch, entry);
    }
  }
}

// Reads on in the journal of the batch. Returns whether there was anything new.
bool ClusterExecutor::Impl::read(SubmittedBatch& batch) {
  const std::vector<JournalEvent> events = batch.reader.read_on();
  for (const JournalEvent& event : events) {
    batch.answers_gone = 0;
    if (event.kind == JournalEvent::Kind::kBegun) {
      batch.has_begun = true;
      batch.host = event.host;
      if (batch.name.empty() || !options_.one_each) runs_in(batch, event.job);
      if (event.runner != batch.index) batch.log = batch.folder.log() + "." + std::to_string(event.runner);
    } else if (event.kind == JournalEvent::Kind::kOver) {
      batch.is_over = true;
      if (is_open(batch)) ask_in(std::min(kSuspicion_s, options_.ask_first_s));
      for (SubmittedJob& held : batch.entries) {
        if (held.end) ended(batch, held);
        if (!held.end && !held.job) held.is_lost = true;  // the runner ended without running it
      }
    }
    if (event.index >= batch.entries.size()) continue;
    SubmittedJob& entry = batch.entries[event.index];
    if (event.kind == JournalEvent::Kind::kStart) entry.has_started = true;
    if (event.kind == JournalEvent::Kind::kEnd && !entry.end) {
      entry.end = event.exit;
      entry.output = event.output;
      entry.is_known = entry.job == nullptr;
      ended(batch, entry);
    }
  }
  return !events.empty();
}

// The batch system's job `name` has claimed the batch. If that is not the job that was submitted for it,
// another job had time left for it, or Slurm got the submission twice because its first answer was lost. The
// job that was submitted for it has nothing to run, and is removed from the queue.
void ClusterExecutor::Impl::runs_in(SubmittedBatch& batch, const std::string& name) {
  if (name.empty() || name == batch.name) return;
  if (!batch.name.empty()) needless_.push_back(batch.name);
  batch.name = name;
}

void ClusterExecutor::Impl::cancel_needless() {
  if (needless_.empty()) return;
  ++cancels_in_flight_;
  system_->cancel(std::exchange(needless_, {}), false, [this] {
    if (cancels_in_flight_ > 0 && --cancels_in_flight_ == 0) report_soon();
  });
}

void ClusterExecutor::Impl::ended(SubmittedBatch& batch, SubmittedJob& entry) {
  if (!entry.job) return;
  if (batch.is_group && !batch.is_over && !entry.end->ok() && !is_cancelling_)
    return;  // reported when the batch is over
  if (!is_cancelling_ && !entry.job->is_interrupted && is_doubtful(*entry.end) && system_->can_ask()) {
    batch.doubts = 0;
    return ask_in(std::min(kSuspicion_s, options_.ask_first_s));
  }
  report(batch, entry);
}

// --- asking

void ClusterExecutor::Impl::ask_in(double delay_s) {
  if (!system_->can_ask()) return;
  if (!is_asking_) ask_alarm_.set(delay_s);
}

void ClusterExecutor::Impl::ask() {
  std::vector<std::string> names;
  for (const auto& batch : batches_) {
    if (is_wanted(*batch) && !batch->name.empty()) names.push_back(batch->name);
  }
  cancel_needless();
  if (names.empty()) return;
  is_asking_ = true;
  system_->ask(names, [this](BatchStates states) { answered(std::move(states)); });
}

void ClusterExecutor::Impl::answered(BatchStates states) {
  is_asking_ = false;
  double next = ask_delay_ = std::min(options_.ask_most_s, ask_delay_ * 1.3);
  if (states) {
    for (std::size_t i = 0; i < batches_.size(); ++i) {
      SubmittedBatch& batch = *batches_[i];
      if (!is_wanted(batch) || batch.name.empty()) continue;
      read(batch);
      judge(batch, states);
      if (batch.answers_gone > 0 || batch.doubts > 0)
        next = std::min({next, kSuspicion_s, options_.ask_first_s});
    }
  }
  if (is_cancelling_) next = std::min(next, kCancelAsk_s);
  if (running > 0) ask_in(next);
  if (!queue_.empty()) flush_alarm_.set(0);
}

void ClusterExecutor::Impl::judge(SubmittedBatch& batch, const BatchStates& states) {
  const auto found = states->find(batch.name);
  if (found != states->end()) batch.state = found->second;
  const bool is_ended = found == states->end() || found->second.phase == BatchState::Phase::kEnded;
  judge_doubtful(batch);
  if (!is_ended) {
    batch.answers_gone = 0;
  } else if ((is_open(batch) || is_holding(batch)) && ++batch.answers_gone >= kAnswersUntilGone) {
    gone(batch);
  }
}

// Reports the held ends of a batch once the reason is known, or once it is known that the batch goes on.
void ClusterExecutor::Impl::judge_doubtful(SubmittedBatch& batch) {
  const auto is_held = [](const SubmittedJob& entry) { return entry.job && entry.end; };
  if (!is_holding(batch)) return;
  const bool is_known = batch.state && batch.state->phase == BatchState::Phase::kEnded;
  const bool goes_on = batch.state && batch.state->reason == "RUNNING" && !batch.is_over;
  if (batch.is_group && !batch.is_over && !is_known) return;
  if (++batch.doubts < kMostDoubts && !is_known && !goes_on) return;
  batch.doubts = 0;
  for (SubmittedJob& entry : batch.entries) {
    if (is_held(entry)) report(batch, entry);
  }
}

void ClusterExecutor::Impl::gone(SubmittedBatch& batch) {
  if (!batch.state || batch.state->phase != BatchState::Phase::kEnded) {
    // The queue no longer lists it; the accounting may know how it ended.
    batch.answers_gone = -1000;
    return system_->remember(batch.name, [this, &batch](std::optional<BatchState> state) {
      batch.state = state && state->phase == BatchState::Phase::kEnded
                        ? *state
                        : BatchState{BatchState::Phase::kEnded, "", ""};
      read(batch);
      if (is_open(batch) || is_holding(batch)) gone(batch);
    });
  }
  // If it has not begun, it never will, unless another job has claimed it.
  if (!batch.has_begun && !withdraw(batch) && !options_.one_each) {
    const std::string name = batch.folder.runs_in(batch.index);
    if (!name.empty() && name != batch.name) {
      runs_in(batch, name);
      batch.state.reset();
      batch.answers_gone = 0;
      return;
    }
  }
  batch.is_over = true;
  for (SubmittedJob& entry : batch.entries) gone(batch, entry);
  flush_alarm_.set(0);
}

void ClusterExecutor::Impl::gone(SubmittedBatch& batch, SubmittedJob& entry) {
  if (entry.end) {
    if (entry.job) report(batch, entry);
    return;
  }
  const bool may_wait_again = !entry.has_started && !batch.was_cancelled && reason_of(batch) != "CANCELLED" &&
                              !is_cancelling_ && entry.job && entry.job->losses + 1 < kMostLosses;
  entry.is_lost = true;
  if (!entry.job) return;
  if (may_wait_again) {
    ++entry.job->losses;
    return queue_.requeue(std::move(entry.job));
  }
  lose(entry, batch, entry.has_started ? "ended while the job ran" : "ended before the job began");
}

// --- reporting

// Reports an attempt whose end is not known.
void ClusterExecutor::Impl::lose(SubmittedJob& entry, SubmittedBatch& batch, const std::string& why) {
  const std::string reason = reason_of(batch);
  Exit exit{.status = -1, .started_at = os::wall_seconds()};
  exit.cancelled = is_cancelling_;
  exit.timed_out = entry.job->is_interrupted;
  exit.error = fmt::format("{}{}: {} {}", reason.empty() ? "" : reason + ": ", "the batch is gone",
                           exec::describe(batch, system_->name()), why);
  if (has_log(batch)) exit.error += "\nlog: " + batch.log + log_tail(batch);
  report(std::move(entry.job), std::move(exit));
}

void ClusterExecutor::Impl::report(SubmittedBatch& batch, SubmittedJob& entry) {
  Exit exit = *entry.end;
  exit.timed_out |= entry.job->is_interrupted;
  exit.job = entry.job->attempt.job;
  exit.attempt = entry.job->attempt.number;
  show(exit, batch, std::exchange(entry.output, {}));
  // When the batch system cancels, its signal may end a job before the runner cancels it.
  exit.cancelled |= is_cancelling_ && batch.was_cancelled && !exit.ok();
  if (!exit.ok() && !is_cancelling_) {
    const std::string reason = is_doubtful(exit) ? reason_of(batch) : std::string();
    if (exit.cancelled && exit.error.empty() && exit.signal == 0 && exit.status == 0) exit.status = -1;
    exit.error = fmt::format("{}{}, in {}", reason.empty() ? "" : reason + ": ", how_it_ended(exit),
                             exec::describe(batch, system_->name()));
    if (has_log(batch)) exit.error += "\nlog of the batch: " + batch.log;
    exit.cancelled = false;
  }
  if (exit.ok()) queue_.note_duration(entry.job->needs.kind, exit.usage.wall_s);
  report(std::move(entry.job), std::move(exit));
}

void ClusterExecutor::Impl::report(JobPtr job, Exit exit) {
  if (running == 1) cancel_needless();
  if (running == 1 && cancels_in_flight_ > 0 && !is_cancelling_)
    return report_later(std::move(job), std::move(exit));
  exit.job = job->attempt.job;
  exit.attempt = job->attempt.number;
  if (!job->attempt.launch.scratch.empty()) ::unlink(job->attempt.launch.scratch.c_str());
  --running;
  listener->on_exit(std::move(exit));
}

void ClusterExecutor::Impl::report_later(JobPtr job, Exit exit) {
  to_report_.emplace_back(std::move(job), std::move(exit));
  report_soon();
}

// Waits until the queued batches have been cancelled: after the last report the run and this object may end.
void ClusterExecutor::Impl::report_soon() {
  if (report_timer_ != 0 || cancels_in_flight_ > 0) return;
  report_timer_ = loop_.after(0, [this] {
    report_timer_ = 0;
    if (cancels_in_flight_ > 0) return;
    for (auto& [ended, how] : std::exchange(to_report_, {})) report(std::move(ended), std::move(how));
  });
}

// Appends what was printed to a stream to `kept`.
void ClusterExecutor::Impl::collect(const SubmittedBatch& batch, const std::string& text, bool is_file,
                                    os::Spill& kept) {
  if (!is_file) return kept.append(text);
  const os::Descriptor file(::open((batch.folder.path() + "/" + text).c_str(), O_RDONLY | O_CLOEXEC));
  std::vector<char> buffer(1 << 16);
  for (;;) {
    const ssize_t n = file.get() < 0 ? 0 : ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    kept.append({buffer.data(), static_cast<std::size_t>(n)});
  }
}

// Shows what the job printed as if it had run here.
void ClusterExecutor::Impl::show(Exit& exit, const SubmittedBatch& batch, const JobOutput& output) {
  os::Spill out(options_.scratch), err(options_.scratch);
  collect(batch, output.out, output.out_in_file, out);
  collect(batch, output.err, output.err_in_file, err);
  exit.output = end_of(out, err);
  if (sink_ == nullptr || (out.empty() && err.empty())) return;
  sink_->show({.job = exit.job,
               .attempt = exit.attempt,
               .out = out.view(),
               .err = err.view(),
               .out_held = &out,
               .err_held = &err});
}

// Takes the claim of a batch. Returns whether that succeeded, so that the batch will never begin.
bool ClusterExecutor::Impl::withdraw(SubmittedBatch& batch) {
  const auto taken = batch.folder.claim(batch.index, "withdrawn");
  if (!taken || !*taken) return false;
  batch.is_over = true;
  for (SubmittedJob& entry : batch.entries) entry.is_lost = !entry.end;
  return true;
}

// Whether the end of some job is still to come.
bool ClusterExecutor::Impl::is_open(const SubmittedBatch& batch) {
  return std::any_of(batch.entries.begin(), batch.entries.end(),
                     [](const SubmittedJob& entry) { return !entry.end && !entry.is_lost; });
}

// Whether it holds ends that were not reported yet.
bool ClusterExecutor::Impl::is_holding(const SubmittedBatch& batch) {
  return std::any_of(batch.entries.begin(), batch.entries.end(),
                     [](const SubmittedJob& entry) { return entry.job && entry.end; });
}

// Whether this run waits for one of its jobs.
bool ClusterExecutor::Impl::is_wanted(const SubmittedBatch& batch) {
  return std::any_of(batch.entries.begin(), batch.entries.end(),
                     [](const SubmittedJob& entry) { return entry.job != nullptr; });
}

// Whether its journal is followed: that of a group is, even while the farm waits for none of its jobs.
bool ClusterExecutor::Impl::is_monitored(const SubmittedBatch& batch) {
  return is_wanted(batch) || (batch.is_group && !batch.is_over && is_open(batch));
}

std::size_t ClusterExecutor::Impl::in_flight() const {
  return static_cast<std::size_t>(std::count_if(batches_.begin(), batches_.end(), [](const auto& batch) {
    return !batch->is_over && is_open(*batch);
  }));
}

}  // namespace furrow::exec
