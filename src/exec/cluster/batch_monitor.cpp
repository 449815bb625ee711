#include "exec/cluster/batch_monitor.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "exec/cluster/batch_exit.hpp"
#include "os/events/clock.hpp"

namespace furrow::exec {

namespace {

constexpr int kAnswersUntilGone = 2;
constexpr int kMostDoubts = 4;  // an unexplained end is held for so many answers
constexpr int kMostWhileEnding = 30;

}  // namespace

BatchMonitor::BatchMonitor(os::EventLoop& loop, BatchSystem& system, const ClusterOptions& options,
                           CancelRequests& cancels, Listener& listener)
    : loop_(loop),
      system_(system),
      options_(options),
      cancels_(cancels),
      listener_(listener),
      ask_delay_(options.ask_first_s),
      look_delay_(options.look_first_s),
      ask_alarm_(loop, [this] { ask(); }) {}

BatchMonitor::~BatchMonitor() { loop_.cancel(look_timer_); }

std::size_t BatchMonitor::in_flight() const {
  return static_cast<std::size_t>(std::count_if(batches_.begin(), batches_.end(), [](const auto& batch) {
    return !batch->is_over && batch->is_open();
  }));
}

// --- journals

void BatchMonitor::begin() {
  look_delay_ = options_.look_first_s;
  look_in(look_delay_);
  ask_in(ask_delay_);
}

void BatchMonitor::look_in(double delay_s) {
  loop_.cancel(look_timer_);
  look_timer_ = loop_.after(delay_s, [this] {
    look_timer_ = 0;
    look_at_journals();
  });
}

void BatchMonitor::look_at_journals() {
  bool has_news = false, is_waiting = false;
  Reading reading(*this);
  for (const auto& batch : batches_) {
    if (!batch->is_monitored()) continue;
    has_news |= reading.read(*batch);
    report_known(*batch);
    is_waiting |= batch->is_monitored();
  }
  look_delay_ = has_news ? options_.look_first_s : std::min(options_.look_most_s, look_delay_ * 1.3);
  if (is_waiting) look_in(look_delay_);
  listener_.on_look();
}

// Reports ends that were read before the farm started the job.
void BatchMonitor::report_known(SubmittedBatch& batch) {
  for (SubmittedJob& entry : batch.entries) {
    if (entry.job && entry.has_started && !std::exchange(entry.is_placed, true))
      listener_.on_begun(batch, entry);
    if (entry.job && entry.end && entry.is_known) {
      entry.is_known = false;
      ended(batch, entry);
    }
  }
}

bool BatchMonitor::Reading::read(SubmittedBatch& batch) {
  if (!batch.has_journal) {
    const auto [found, is_new] = journals_.try_emplace(batch.folder.path());
    if (is_new) found->second = batch.folder.journals();
    batch.has_journal = found->second.contains(batch.index);
  }
  if (!batch.has_journal) return false;
  const std::vector<JournalEvent> events = batch.reader.read_on();
  for (const JournalEvent& event : events) monitor_.take_in(batch, event);
  return !events.empty();
}

void BatchMonitor::take_in(SubmittedBatch& batch, const JournalEvent& event) {
  batch.silence = {};
  if (event.kind == JournalEvent::Kind::kBegun) {
    batch.has_begun = true;
    batch.host = event.host;
    FURROW_LOG(cluster, info, "batch {} has begun as {} on {}", batch.index, event.job, event.host);
    if (batch.name.empty() || !options_.one_each) runs_in(batch, event.job);
    if (event.runner != batch.index) batch.log = batch.folder.log() + "." + std::to_string(event.runner);
  } else if (event.kind == JournalEvent::Kind::kOver) {
    batch.is_over = true;
    if (batch.is_open()) ask_in(std::min(kSuspicion_s, options_.ask_first_s));
    for (SubmittedJob& held : batch.entries) {
      if (held.end) ended(batch, held);
      if (!held.end && !held.job) held.is_lost = true;  // the runner ended without running it
    }
  }
  if (event.index >= batch.entries.size()) return;
  SubmittedJob& entry = batch.entries[event.index];
  if (event.kind == JournalEvent::Kind::kStart) entry.has_started = true;
  if (event.kind == JournalEvent::Kind::kEnd && !entry.end) {
    entry.end = event.exit;
    entry.output = event.output;
    entry.is_known = entry.job == nullptr;
    ended(batch, entry);
  }
}

// The batch system's job `name` has claimed the batch. If that is not the job that was submitted for it,
// another job had time left for it, or Slurm got the submission twice because its first answer was lost. The
// job that was submitted for it has nothing to run, and is removed from the queue.
void BatchMonitor::runs_in(SubmittedBatch& batch, const std::string& own_name) {
  const std::string name = system_.full_name(own_name, batch.name);
  if (name.empty() || name == batch.name) return;
  FURROW_LOG(cluster, info, "batch {}, submitted as {}, runs in {}", batch.index,
             batch.name.empty() ? "nothing" : batch.name, name);
  if (!batch.name.empty()) cancels_.add_needless(batch.name);
  batch.name = name;
}

void BatchMonitor::ended(SubmittedBatch& batch, SubmittedJob& entry) {
  if (!entry.job) return;
  if (batch.is_group && !batch.is_over && !entry.end->ok() && !listener_.is_cancelling())
    return;  // reported when the batch is over
  if (!listener_.is_cancelling() && !entry.job->is_interrupted && is_doubtful(*entry.end) &&
      system_.can_ask()) {
    batch.doubts = 0;
    return ask_in(std::min(kSuspicion_s, options_.ask_first_s));
  }
  listener_.on_end(batch, entry);
}

// --- questions to the batch system

void BatchMonitor::ask_in(double delay_s) {
  if (!system_.can_ask()) return;
  if (!is_asking_) ask_alarm_.set(delay_s);
}

void BatchMonitor::ask() {
  std::vector<std::string> names;
  for (const auto& batch : batches_) {
    if (batch->is_wanted() && !batch->name.empty()) names.push_back(batch->name);
  }
  cancels_.cancel_needless();
  if (names.empty()) return;
  is_asking_ = true;
  system_.ask(names, [this](const BatchStates& states) { answered(states); });
}

bool BatchMonitor::is_judged(const SubmittedBatch& batch) const {
  return batch.is_wanted() && !batch.name.empty() && (batch.is_open() || batch.is_holding());
}

void BatchMonitor::answered(const BatchStates& states) {
  std::vector<std::string> unknown;
  Reading reading(*this);
  for (std::size_t i = 0; states && i < batches_.size(); ++i) {
    SubmittedBatch& batch = *batches_[i];
    if (!batch.is_wanted() || batch.name.empty()) continue;
    reading.read(batch);
    judge(batch, states);
    if (batch.silence.unknown >= kAnswersUntilGone && is_judged(batch)) unknown.push_back(batch.name);
  }
  cancels_.cancel_needless();
  if (unknown.empty()) return ask_again();
  system_.remember(unknown, [this](const BatchStates& records) {
    remembered(records);
    ask_again();
  });
}

void BatchMonitor::remembered(const BatchStates& records) {
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    SubmittedBatch& batch = *batches_[i];
    if (batch.silence.unknown >= kAnswersUntilGone && is_judged(batch)) judge_unknown(batch, records);
  }
  cancels_.cancel_needless();
}

void BatchMonitor::ask_again() {
  is_asking_ = false;
  ask_delay_ = std::min(options_.ask_most_s, ask_delay_ * 1.3);
  const bool is_suspicious = std::any_of(batches_.begin(), batches_.end(), [&](const auto& batch) {
    const Silence& silence = batch->silence;
    return is_judged(*batch) && (silence.ended > 0 || silence.requeued > 0 || silence.unknown == 1 ||
                                 batch->doubts > 0 || batch->was_given_up);
  });
  double next = is_suspicious ? std::min({ask_delay_, kSuspicion_s, options_.ask_first_s}) : ask_delay_;
  if (listener_.is_cancelling()) next = std::min(next, kCancelAsk_s);
  if (listener_.is_running()) ask_in(next);
  listener_.on_look();
}

// Only what is new, since there may be very many batches.
void BatchMonitor::log_answer(const SubmittedBatch& batch, const BatchStates& states) const {
  const auto found = states->find(batch.name);
  const std::string now = found == states->end() ? "not in the queue" : found->second.reason;
  if (found == states->end() || !batch.state || batch.state->reason != now)
    FURROW_LOG(cluster, info, "{} says about batch {}: {}", system_.name(), batch.name, now);
}

void BatchMonitor::judge(SubmittedBatch& batch, const BatchStates& states) {
  const auto found = states->find(batch.name);
  if (logging::is_on(logging::Topic::cluster, logging::Level::info)) log_answer(batch, states);
  if (found != states->end()) batch.state = found->second;
  judge_doubtful(batch, found != states->end());
  if (!is_judged(batch)) return;
  if (found == states->end()) {
    ++batch.silence.unknown;
    if (batch.silence.since_s < 0) batch.silence.since_s = os::monotonic_seconds();
  } else if (found->second.phase == BatchState::Phase::kEnded) {
    batch.silence.unknown = 0;
    judge_ended(batch);
  } else if (found->second.phase == BatchState::Phase::kWaiting && batch.has_begun) {
    judge_requeued(batch);
  } else {
    batch.silence = {};
  }
}

// The system has ended the batch that had begun, and wants to start it again, which finds the claim taken.
void BatchMonitor::judge_requeued(SubmittedBatch& batch) {
  if (++batch.silence.requeued < kAnswersUntilGone) return;
  cancels_.add_needless(batch.name);
  batch.state->phase = BatchState::Phase::kEnded;
  batch.state->ended_by = BatchState::EndedBy::kPreemption;
  gone(batch);
}

void BatchMonitor::judge_ended(SubmittedBatch& batch) {
  const double now = os::monotonic_seconds();
  if (batch.silence.ended == 0) batch.silence.since_s = now;
  // Whether it has begun may be in a journal that the file system does not show yet.
  const bool may_be_late = !batch.has_begun && now < batch.silence.since_s + options_.latency_wait_s;
  if (++batch.silence.ended >= kAnswersUntilGone && !may_be_late) gone(batch);
}

// The queue does not list the batch. That alone is no end: a controller that has just started may not know its
// jobs yet. The system's records may know an end; that a job runs is no news.
void BatchMonitor::judge_unknown(SubmittedBatch& batch, const BatchStates& records) {
  const auto found = records ? records->find(batch.name) : decltype(records->end()){};
  if (records && found != records->end() && found->second.phase == BatchState::Phase::kEnded) {
    batch.state = found->second;
    return judge_ended(batch);
  }
  if (batch.was_cancelled || batch.was_given_up) {
    if (!cancels_.is_in_flight()) gone(batch);
  } else if (os::monotonic_seconds() > batch.silence.since_s + options_.patience_s) {
    give_up(batch);
  }
}

// Makes sure that it does not run while another batch takes its place.
void BatchMonitor::give_up(SubmittedBatch& batch) {
  FURROW_LOG(cluster, info, "{} has not known batch {} for too long: it is cancelled", system_.name(),
             batch.name);
  batch.was_given_up = true;
  batch.silence = {};
  cancels_.add_needless(batch.name);
}

// Reports the held ends of a batch once the reason is known, or once it is known that the batch goes on.
void BatchMonitor::judge_doubtful(SubmittedBatch& batch, bool is_listed) {
  const auto is_held = [](const SubmittedJob& entry) { return entry.job && entry.end; };
  if (!batch.is_holding()) return;
  const bool is_known = batch.state && batch.state->phase == BatchState::Phase::kEnded;
  const bool goes_on = is_listed && batch.state && batch.state->reason == "RUNNING" && !batch.is_over;
  const bool is_requeued = is_listed && batch.state->phase == BatchState::Phase::kWaiting;
  if ((batch.is_group && !batch.is_over && !is_known) || is_requeued) return;
  const int most = is_listed && batch.state->is_ending ? kMostWhileEnding : kMostDoubts;
  if (++batch.doubts < most && !is_known && !goes_on) return;
  batch.doubts = 0;
  for (SubmittedJob& entry : batch.entries) {
    if (is_held(entry)) listener_.on_end(batch, entry);
  }
}

void BatchMonitor::gone(SubmittedBatch& batch) {
  if (!batch.state || batch.state->phase != BatchState::Phase::kEnded)
    batch.state = BatchState{BatchState::Phase::kEnded, "", ""};
  // If it has not begun, it never will, unless another job has claimed it.
  if (!batch.has_begun && !batch.withdraw()) {
    if (Reading(*this).read(batch)) return;  // it has begun, as a new look into the folder shows
    const std::string name = system_.full_name(batch.folder.runs_in(batch.index), batch.name);
    if (!name.empty() && name != batch.name && !options_.one_each) {
      runs_in(batch, name);
      batch.state.reset();
      batch.silence = {};
      return;
    }
  }
  FURROW_LOG(cluster, info, "batch {} is gone: {}; {}", batch.name,
             batch.state->reason.empty() ? "for an unknown reason" : batch.state->reason,
             batch.has_begun ? "it had begun" : "it had not begun");
  batch.is_over = true;
  listener_.on_gone(batch);
}

}  // namespace furrow::exec
