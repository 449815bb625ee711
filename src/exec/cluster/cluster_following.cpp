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
constexpr int kMostDoubts = 4;      // answers that an unexplained end is held for
constexpr int kMostLosses = 3;      // of one attempt, until it counts as failed
constexpr double kSuspicion_s = 2;  // until the next question, where something needs an explanation
constexpr double kCancelAsk_s = 1;

// Somebody, or something, has ended it from outside.
bool is_doubtful(const Exit& exit) {
  return exit.cancelled || exit.signal != 0 || exit.status > 128 || (exit.status < 0 && exit.error.empty());
}

std::string how_it_ended(const Exit& exit) {
  if (exit.timed_out) return "it took too long";
  if (!exit.error.empty()) return exit.error;
  if (exit.signal != 0) return fmt::format("ended by signal {} ({})", exit.signal, ::strsignal(exit.signal));
  if (exit.status > 128 && exit.status <= 192)
    return fmt::format("exit code {}: a program in it was ended by signal {} ({})", exit.status,
                       exit.status - 128, ::strsignal(exit.status - 128));
  return fmt::format("exit code {}", exit.status);
}

}  // namespace

// --- following

void ClusterExecutor::Impl::begin_following() {
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
  for (const auto& flight : flights_) {
    if (!is_followed(*flight)) continue;
    has_news |= read(*flight);
    report_known(*flight);
    is_waiting |= is_followed(*flight);
  }
  look_delay_ = has_news ? options_.look_first_s : std::min(options_.look_most_s, look_delay_ * 1.3);
  if (is_waiting) look_in(look_delay_);
  if (!queue_.empty()) flush_alarm_.set(0);
}

// Ends that were known before somebody asked for them: of jobs that were adopted.
void ClusterExecutor::Impl::report_known(Flight& flight) {
  for (FlightEntry& entry : flight.entries) {
    if (entry.job && entry.end && entry.is_known) {
      entry.is_known = false;
      ended(flight, entry);
    }
  }
}

// Whether its journal has news.
bool ClusterExecutor::Impl::read(Flight& flight) {
  const std::vector<JournalEvent> events = flight.reader.read_on();
  for (const JournalEvent& event : events) {
    flight.answers_gone = 0;
    if (event.kind == JournalEvent::Kind::kBegun) {
      flight.has_begun = true;
      flight.host = event.host;
      if (flight.name.empty() || !options_.one_each) runs_in(flight, event.job);
      if (event.runner != flight.index) flight.log = flight.folder.log() + "." + std::to_string(event.runner);
    } else if (event.kind == JournalEvent::Kind::kOver) {
      flight.is_over = true;
      if (is_open(flight)) ask_in(std::min(kSuspicion_s, options_.ask_first_s));
      for (FlightEntry& held : flight.entries) {
        if (held.end) ended(flight, held);
        if (!held.end && !held.job) held.is_lost = true;  // the runner was ended before it
      }
    }
    if (event.place >= flight.entries.size()) continue;
    FlightEntry& entry = flight.entries[event.place];
    if (event.kind == JournalEvent::Kind::kStart) entry.has_started = true;
    if (event.kind == JournalEvent::Kind::kEnd && !entry.end) {
      entry.end = event.exit;
      entry.output = event.output;
      entry.is_known = entry.job == nullptr;
      ended(flight, entry);
    }
  }
  return !events.empty();
}

// NAME is the job that has claimed it. Another one may have had time left for it; or Slurm has got a
// submission twice, since its first answer was lost. The one that was meant for it will run nothing, and is
// to leave the queue.
void ClusterExecutor::Impl::runs_in(Flight& flight, const std::string& name) {
  if (name.empty() || name == flight.name) return;
  if (!flight.name.empty()) needless_.push_back(flight.name);
  flight.name = name;
}

void ClusterExecutor::Impl::cancel_needless() {
  if (needless_.empty()) return;
  ++cancels_under_way_;
  system_->cancel(std::exchange(needless_, {}), false, [this] {
    if (cancels_under_way_ > 0 && --cancels_under_way_ == 0) report_soon();
  });
}

void ClusterExecutor::Impl::ended(Flight& flight, FlightEntry& entry) {
  if (!entry.job) return;
  if (flight.is_group && !flight.is_over && !entry.end->ok() && !is_cancelling_) return;  // told at its end
  if (!is_cancelling_ && !entry.job->is_interrupted && is_doubtful(*entry.end) && system_->can_ask()) {
    flight.doubts = 0;
    return ask_in(std::min(kSuspicion_s, options_.ask_first_s));
  }
  report(flight, entry);
}

// --- asking

void ClusterExecutor::Impl::ask_in(double delay_s) {
  if (!system_->can_ask()) return;
  if (!is_asking_) ask_alarm_.set(delay_s);
}

void ClusterExecutor::Impl::ask() {
  std::vector<std::string> names;
  for (const auto& flight : flights_) {
    if (is_wanted(*flight) && !flight->name.empty()) names.push_back(flight->name);
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
    for (std::size_t i = 0; i < flights_.size(); ++i) {
      Flight& flight = *flights_[i];
      if (!is_wanted(flight) || flight.name.empty()) continue;
      read(flight);
      judge(flight, states);
      if (flight.answers_gone > 0 || flight.doubts > 0)
        next = std::min({next, kSuspicion_s, options_.ask_first_s});
    }
  }
  if (is_cancelling_) next = std::min(next, kCancelAsk_s);
  if (running > 0) ask_in(next);
  if (!queue_.empty()) flush_alarm_.set(0);
}

void ClusterExecutor::Impl::judge(Flight& flight, const BatchStates& states) {
  const auto found = states->find(flight.name);
  if (found != states->end()) flight.state = found->second;
  const bool is_ended = found == states->end() || found->second.phase == BatchState::Phase::kEnded;
  judge_doubtful(flight);
  if (!is_ended) {
    flight.answers_gone = 0;
  } else if ((is_open(flight) || is_holding(flight)) && ++flight.answers_gone >= kAnswersUntilGone) {
    gone(flight);
  }
}

// Ends by a signal: reported once it is known why, or that the batch goes on without that job.
void ClusterExecutor::Impl::judge_doubtful(Flight& flight) {
  const auto is_held = [](const FlightEntry& entry) { return entry.job && entry.end; };
  if (!is_holding(flight)) return;
  const bool is_known = flight.state && flight.state->phase == BatchState::Phase::kEnded;
  const bool goes_on = flight.state && flight.state->reason == "RUNNING" && !flight.is_over;
  if (flight.is_group && !flight.is_over && !is_known) return;
  if (++flight.doubts < kMostDoubts && !is_known && !goes_on) return;
  flight.doubts = 0;
  for (FlightEntry& entry : flight.entries) {
    if (is_held(entry)) report(flight, entry);
  }
}

void ClusterExecutor::Impl::gone(Flight& flight) {
  if (!flight.state || flight.state->phase != BatchState::Phase::kEnded) {
    // Nobody lists it any more; the accounting may know why.
    flight.answers_gone = -1000;
    return system_->remember(flight.name, [this, &flight](std::optional<BatchState> state) {
      flight.state = state && state->phase == BatchState::Phase::kEnded
                         ? *state
                         : BatchState{BatchState::Phase::kEnded, "", ""};
      read(flight);
      if (is_open(flight) || is_holding(flight)) gone(flight);
    });
  }
  // If it has not begun, it never will; but another job may have it.
  if (!flight.has_begun && !withdraw(flight) && !options_.one_each) {
    const std::string name = flight.folder.runs_in(flight.index);
    if (!name.empty() && name != flight.name) {
      runs_in(flight, name);
      flight.state.reset();
      flight.answers_gone = 0;
      return;
    }
  }
  flight.is_over = true;
  for (FlightEntry& entry : flight.entries) gone(flight, entry);
  flush_alarm_.set(0);
}

void ClusterExecutor::Impl::gone(Flight& flight, FlightEntry& entry) {
  if (entry.end) {
    if (entry.job) report(flight, entry);
    return;
  }
  const bool may_wait_again = !entry.has_started && !flight.was_cancelled &&
                              reason_of(flight) != "CANCELLED" && !is_cancelling_ && entry.job &&
                              entry.job->losses + 1 < kMostLosses;
  entry.is_lost = true;
  if (!entry.job) return;
  if (may_wait_again) {
    ++entry.job->losses;
    return queue_.put_back(std::move(entry.job));
  }
  lose(entry, flight, entry.has_started ? "ended while the job ran" : "ended before the job began");
}

// --- reporting

// An attempt of which no end is known.
void ClusterExecutor::Impl::lose(FlightEntry& entry, Flight& flight, const std::string& why) {
  const std::string reason = reason_of(flight);
  Exit exit{.status = -1, .started_at = os::wall_seconds()};
  exit.cancelled = is_cancelling_;
  exit.timed_out = entry.job->is_interrupted;
  exit.error = fmt::format("{}{}: {} {}", reason.empty() ? "" : reason + ": ", "the batch is gone",
                           exec::describe(flight, system_->name()), why);
  if (has_log(flight)) exit.error += "\nlog: " + flight.log + log_tail(flight);
  report(std::move(entry.job), std::move(exit));
}

void ClusterExecutor::Impl::report(Flight& flight, FlightEntry& entry) {
  Exit exit = *entry.end;
  exit.timed_out |= entry.job->is_interrupted;
  exit.job = entry.job->attempt.job;
  exit.attempt = entry.job->attempt.number;
  show(exit, flight, std::exchange(entry.output, {}));
  // The batch system's own signal may end a job before its runner does.
  exit.cancelled |= is_cancelling_ && flight.was_cancelled && !exit.ok();
  if (!exit.ok() && !is_cancelling_) {
    const std::string reason = is_doubtful(exit) ? reason_of(flight) : std::string();
    if (exit.cancelled && exit.error.empty() && exit.signal == 0 && exit.status == 0) exit.status = -1;
    exit.error = fmt::format("{}{}, in {}", reason.empty() ? "" : reason + ": ", how_it_ended(exit),
                             exec::describe(flight, system_->name()));
    if (has_log(flight)) exit.error += "\nlog of the batch: " + flight.log;
    exit.cancelled = false;
  }
  if (exit.ok()) queue_.note_duration(entry.job->needs.kind, exit.usage.wall_s);
  report(std::move(entry.job), std::move(exit));
}

void ClusterExecutor::Impl::report(Job job, Exit exit) {
  if (running == 1) cancel_needless();
  if (running == 1 && cancels_under_way_ > 0 && !is_cancelling_)
    return report_later(std::move(job), std::move(exit));
  exit.job = job->attempt.job;
  exit.attempt = job->attempt.number;
  if (!job->attempt.launch.scratch.empty()) ::unlink(job->attempt.launch.scratch.c_str());
  --running;
  listener->on_exit(std::move(exit));
}

void ClusterExecutor::Impl::report_later(Job job, Exit exit) {
  to_report_.emplace_back(std::move(job), std::move(exit));
  report_soon();
}

// Not before what waits in the queue has been cancelled: with the last report the run, and we, may end.
void ClusterExecutor::Impl::report_soon() {
  if (report_timer_ != 0 || cancels_under_way_ > 0) return;
  report_timer_ = loop_.after(0, [this] {
    report_timer_ = 0;
    if (cancels_under_way_ > 0) return;
    for (auto& [ended, how] : std::exchange(to_report_, {})) report(std::move(ended), std::move(how));
  });
}

// Puts what a stream has printed into KEPT.
void ClusterExecutor::Impl::collect(const Flight& flight, const std::string& text, bool is_file,
                                    os::Spill& kept) {
  if (!is_file) return kept.append(text);
  const os::Descriptor file(::open((flight.folder.path() + "/" + text).c_str(), O_RDONLY | O_CLOEXEC));
  std::vector<char> piece(1 << 16);
  for (;;) {
    const ssize_t n = file.get() < 0 ? 0 : ::read(file.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    kept.append({piece.data(), static_cast<std::size_t>(n)});
  }
}

// What the job printed, shown as if it had run here.
void ClusterExecutor::Impl::show(Exit& exit, const Flight& flight, const JobOutput& output) {
  os::Spill out(options_.scratch), err(options_.scratch);
  collect(flight, output.out, output.out_in_file, out);
  collect(flight, output.err, output.err_in_file, err);
  exit.output = end_of(out, err);
  if (sink_ == nullptr || (out.empty() && err.empty())) return;
  sink_->show({.job = exit.job,
               .attempt = exit.attempt,
               .out = out.view(),
               .err = err.view(),
               .out_held = &out,
               .err_held = &err});
}

// Whether it will now never begin.
bool ClusterExecutor::Impl::withdraw(Flight& flight) {
  const auto taken = flight.folder.claim(flight.index, "withdrawn");
  if (!taken || !*taken) return false;
  flight.is_over = true;
  for (FlightEntry& entry : flight.entries) entry.is_lost = !entry.end;
  return true;
}

// Whether something may still come from it.
bool ClusterExecutor::Impl::is_open(const Flight& flight) {
  return std::any_of(flight.entries.begin(), flight.entries.end(),
                     [](const FlightEntry& entry) { return !entry.end && !entry.is_lost; });
}

// Whether it has ends that were not reported yet.
bool ClusterExecutor::Impl::is_holding(const Flight& flight) {
  return std::any_of(flight.entries.begin(), flight.entries.end(),
                     [](const FlightEntry& entry) { return entry.job && entry.end; });
}

// Whether somebody in this run waits for it.
bool ClusterExecutor::Impl::is_wanted(const Flight& flight) {
  return std::any_of(flight.entries.begin(), flight.entries.end(),
                     [](const FlightEntry& entry) { return entry.job != nullptr; });
}

// Whether its journal is looked at. Of a group also while the farm has started none of those that are left.
bool ClusterExecutor::Impl::is_followed(const Flight& flight) {
  return is_wanted(flight) || (flight.is_group && !flight.is_over && is_open(flight));
}

std::size_t ClusterExecutor::Impl::in_flight() const {
  return static_cast<std::size_t>(std::count_if(flights_.begin(), flights_.end(), [](const auto& flight) {
    return !flight->is_over && is_open(*flight);
  }));
}

}  // namespace furrow::exec
