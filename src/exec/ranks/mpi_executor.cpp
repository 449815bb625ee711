#include "exec/ranks/mpi_executor.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "exec/local/node_folder.hpp"
#include "exec/output/printed.hpp"
#include "exec/output/stream_writer.hpp"
#include "exec/ranks/rank_input.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/files/spill.hpp"

namespace furrow::exec {

namespace {

using plan::Exit;

// The time between two looks for messages: MPI offers nothing to sleep on.
constexpr double kBusy_s = 0.001, kIdle_s = 0.005, kIdleAfter_s = 0.2, kUnused_s = 0.05;
constexpr double kCheckEvery_s = 0.5;

std::vector<std::string> own_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

}  // namespace

// An attempt on another rank.
struct MpiExecutor::Sent {
  std::size_t rank = 0;
  plan::Attempt attempt{};
  RankNeeds needs{};
  std::unique_ptr<RankInputReader> input{};
  std::optional<StreamWriter> to_out{}, to_err{};
  os::Spill out, err;
};

MpiExecutor::MpiExecutor(os::EventLoop& loop, RankSet& rank_set, plan::Executor& local, OutputSink* sink,
                         MpiOptions options)
    : loop_(loop),
      rank_set_(rank_set),
      local_(local),
      sink_(sink),
      options_(std::move(options)),
      run_(rank_set.next_run()),
      capacity_(options_.shares, options_.ahead_s),
      ranks_(options_.shares.size()),
      pump_alarm_(loop, [this] { pump(); }) {
  local_.set_listener(this);
  set_up_ranks();
  pump_alarm_.set(0);
}

MpiExecutor::~MpiExecutor() {
  local_.set_listener(nullptr);
  for (std::size_t rank = 1; rank < ranks_.size(); ++rank) ranks_[rank].out.add(RankRecord::kClose, run_);
  flush();
}

void MpiExecutor::set_up_ranks() {
  RankSetup setup;
  setup.directory = os::current_directory();
  setup.environment = own_environment();
  setup.run_id = options_.run;
  setup.one_stream = !options_.has_streams && (sink_ == nullptr || sink_->is_one_stream());
  setup.as_it_comes = options_.has_streams || (sink_ != nullptr && sink_->wants_live_output());
  setup.ending = options_.ending;
  setup.evaluator = options_.evaluator;
  for (std::size_t rank = 1; rank < ranks_.size(); ++rank) {
    setup.cores = capacity_.share(rank).cores;
    setup.memory_mb = capacity_.share(rank).memory_mb;
    ranks_[rank].out.add(RankRecord::kSetup, run_, 0, write_setup(setup));
  }
}

std::int64_t MpiExecutor::most_ahead(const std::vector<RankShare>& shares) {
  return static_cast<std::int64_t>(shares.size() - 1) * RankCapacity::kMostAhead;
}

// --- where an attempt goes

RankNeeds MpiExecutor::needs_of(const plan::Attempt& attempt) const {
  return capacity_.fit(options_.needs ? options_.needs(attempt) : RankNeeds{});
}

// The running attempts and those for which there is room now.
std::size_t MpiExecutor::max_running() const {
  return waiting_.empty() ? running_ + static_cast<std::size_t>(capacity_.left()) : running_;
}

bool MpiExecutor::place(plan::Attempt& attempt) {
  const RankNeeds needs = needs_of(attempt);
  // A job with standard input cannot be recalled: its input is sent at once.
  const bool may_queue = !attempt.launch.input && needs.memory_mb == 0;
  const auto rank = capacity_.place_for(needs, may_queue);
  if (!rank) return false;
  capacity_.take(*rank, needs, os::monotonic_seconds());
  if (*rank != RankCapacity::kRoot) {
    send(*rank, std::move(attempt), needs);
  } else {
    FURROW_LOG(ranks, info, "job {} runs on rank 0: {} cores, {} MB", attempt.job, needs.cores,
               needs.memory_mb);
    here_[attempt.job] = needs;
    static const std::string folder = node_folder();
    fill_node_folder(attempt.launch, folder);
    local_.start(std::move(attempt));
  }
  return true;
}

void MpiExecutor::place_waiting() {
  while (!waiting_.empty() && place(waiting_.front())) waiting_.pop_front();
}

// --- starting

void MpiExecutor::start(plan::Attempt attempt) {
  ++running_;
  if (is_cancelled_) return cancel_later(std::move(attempt));
  if (!waiting_.empty() || !place(attempt)) waiting_.push_back(std::move(attempt));
}

void MpiExecutor::send(std::size_t rank, plan::Attempt attempt, const RankNeeds& needs) {
  const std::uint64_t request_id = ++last_request_id_;
  FURROW_LOG(ranks, info, "job {} goes to rank {}: {} cores, {} MB, request {}", attempt.job, rank,
             needs.cores, needs.memory_mb, request_id);
  Rank& to = ranks_[rank];
  auto sent = std::make_unique<Sent>(Sent{.rank = rank,
                                          .attempt = std::move(attempt),
                                          .needs = needs,
                                          .out = os::Spill(options_.scratch),
                                          .err = os::Spill(options_.scratch)});
  const plan::Launch& launch = sent->attempt.launch;
  RankStart start{.cores = needs.cores,
                  .memory_mb = needs.memory_mb,
                  .timeout_s = sent->attempt.timeout_s,
                  .has_input = launch.input != nullptr,
                  .launch = launch};
  start.launch.scratch.clear();
  to.out.add(RankRecord::kStart, run_, request_id, write_start(start));
  if (launch.output) sent->to_out.emplace(*launch.output);
  if (launch.errors) sent->to_err.emplace(*launch.errors);
  if (launch.input) begin_input(request_id, *sent);
  if (is_elsewhere(rank)) listener_->on_placed(sent->attempt.job, rank_set_.ranks()[rank].host);
  sent_.emplace(request_id, std::move(sent));
  pump_alarm_.set(0);
}

bool MpiExecutor::is_elsewhere(std::size_t rank) const {
  return rank_set_.ranks()[rank].host != rank_set_.ranks()[RankCapacity::kRoot].host;
}

void MpiExecutor::begin_input(std::uint64_t request_id, Sent& sent) {
  sent.input = std::make_unique<RankInputReader>(
      loop_, sent.attempt.launch.input, [this, request_id, rank = sent.rank](std::string_view data) {
        ranks_[rank].out.add(data.empty() ? RankRecord::kInputEnd : RankRecord::kInput, run_, request_id,
                             data);
        pump_alarm_.set(0);
      });
  sent.input->read_on();
}

// --- messages from the ranks

void MpiExecutor::pump() {
  for (Exit& exit : std::exchange(cancelled_, {})) {
    --running_;
    listener_->on_exit(std::move(exit));
  }
  flush();
  const double now = os::monotonic_seconds();
  if (receive()) last_news_ = now;
  recall_from_the_stuck();
  place_waiting();
  flush();
  if (now - last_check_ > kCheckEvery_s) {
    rank_set_.check();
    last_check_ = now;
  }
  const bool is_used = !sent_.empty() || !waiting_.empty();
  pump_alarm_.set(!is_used ? kUnused_s : now - last_news_ > kIdleAfter_s ? kIdle_s : kBusy_s);
}

bool MpiExecutor::receive() {
  bool any = false;
  while (auto received = rank_set_.transport().receive()) {
    const auto rank = static_cast<std::size_t>(received->from);
    for_each_rank_record(received->message, [&](const RankRecordHead& head, std::string_view payload) {
      if (head.kind == RankRecord::kOut || head.kind == RankRecord::kErr)
        ranks_[rank].taken += payload.size();
      if (head.run == run_) take(rank, head, payload);
    });
    any = true;
    flush();
  }
  return any;
}

void MpiExecutor::take(std::size_t, const RankRecordHead& head, std::string_view payload) {
  if (head.kind == RankRecord::kSignal) {
    const int signal = static_cast<int>(number_from(payload));
    const bool is_ours = signal == SIGINT || signal == SIGTERM || signal == SIGHUP;
    if (is_ours && !is_cancelled_) ::kill(::getpid(), signal);
    return;
  }
  const auto found = sent_.find(head.request_id);
  if (found == sent_.end()) return;
  Sent& sent = *found->second;
  switch (head.kind) {
    case RankRecord::kOut:
    case RankRecord::kErr:
      return printed(sent, head.kind == RankRecord::kErr, payload);
    case RankRecord::kRead:
      if (sent.input) sent.input->taken(number_from(payload));
      return;
    case RankRecord::kReturned:
      return returned(head.request_id);
    case RankRecord::kExit:
      return ended(head.request_id, read_exit(payload));
    default:
      return;
  }
}

void MpiExecutor::printed(Sent& sent, bool is_err, std::string_view data) {
  if (auto& stream = is_err ? sent.to_err : sent.to_out) {
    stream->write(data);
  } else if (sink_ != nullptr && sink_->wants_live_output()) {
    sink_->on_output(sent.attempt.job, is_err, data);
  } else {
    (is_err ? sent.err : sent.out).append(data);
  }
}

void MpiExecutor::ended(std::uint64_t request_id, Exit exit) {
  const std::unique_ptr<Sent> sent = std::move(sent_.extract(request_id).mapped());
  capacity_.give_back(sent->rank, sent->needs);
  capacity_.ended(sent->rank, exit, os::monotonic_seconds());
  exit.job = sent->attempt.job;
  FURROW_LOG(ranks, info, "job {} ended on rank {}: status {}, signal {}", exit.job, sent->rank, exit.status,
             exit.signal);
  exit.attempt = sent->attempt.number;
  if (is_elsewhere(sent->rank)) exit.host = rank_set_.ranks()[sent->rank].host;
  note_stream_errors(*sent, exit);
  if (!sent->out.empty() || !sent->err.empty()) {
    exit.output = end_of(sent->out, sent->err);
    if (sink_ != nullptr)
      sink_->show({.job = exit.job,
                   .attempt = exit.attempt,
                   .out = sent->out.view(),
                   .err = sent->err.view(),
                   .out_held = &sent->out,
                   .err_held = &sent->err});
  }
  const std::string& scratch = sent->attempt.launch.scratch;
  if (!scratch.empty()) ::unlink(scratch.c_str());
  --running_;
  listener_->on_exit(std::move(exit));
}

// Reports a failed write as if the job itself had written there.
void MpiExecutor::note_stream_errors(const Sent& sent, Exit& exit) {
  for (const auto* stream : {&sent.to_out, &sent.to_err}) {
    if (!*stream || (*stream)->error() == 0 || !exit.ok()) continue;
    exit.status = -1;
    if ((*stream)->error() == EPIPE) {
      exit.signal = SIGPIPE;
    } else {
      exit.error = std::string("its output could not be written: ") + std::strerror((*stream)->error());
    }
  }
}

void MpiExecutor::on_exit(Exit exit) {
  const auto found = here_.find(exit.job);
  if (found != here_.end()) {
    capacity_.give_back(RankCapacity::kRoot, found->second);
    here_.erase(found);
  }
  --running_;
  listener_->on_exit(std::move(exit));
  if (!waiting_.empty()) pump_alarm_.set(0);
}

// --- recalled jobs

void MpiExecutor::returned(std::uint64_t request_id) {
  std::unique_ptr<Sent> sent = std::move(sent_.extract(request_id).mapped());
  FURROW_LOG(ranks, info, "rank {} has given back job {}", sent->rank, sent->attempt.job);
  capacity_.give_back(sent->rank, sent->needs);
  if (!is_cancelled_) {
    waiting_.push_front(std::move(sent->attempt));
  } else {
    cancel_later(std::move(sent->attempt));
  }
}

void MpiExecutor::recall_from_the_stuck() {
  for (const std::size_t rank : capacity_.newly_stuck(os::monotonic_seconds())) {
    FURROW_LOG(ranks, info, "rank {} is stuck: the jobs that it has not begun are recalled", rank);
    ranks_[rank].out.add(RankRecord::kRecall, run_);
  }
}

void MpiExecutor::flush() {
  for (std::size_t rank = 1; rank < ranks_.size(); ++rank) {
    Rank& each = ranks_[rank];
    if (each.taken > 0) each.out.add(RankRecord::kTaken, run_, 0, as_bytes(std::exchange(each.taken, 0)));
    if (each.out.empty()) continue;
    rank_set_.transport().send(static_cast<int>(rank), each.out.bytes());
    each.out.clear();
  }
}

// --- cancelling

void MpiExecutor::cancel_later(plan::Attempt attempt) {
  if (!attempt.launch.scratch.empty()) ::unlink(attempt.launch.scratch.c_str());
  cancelled_.push_back({.job = attempt.job,
                        .attempt = attempt.number,
                        .status = -1,
                        .cancelled = true,
                        .started_at = os::wall_seconds()});
  pump_alarm_.set(0);
}

void MpiExecutor::cancel_all(plan::Stop how) {
  is_cancelled_ = true;
  for (plan::Attempt& attempt : std::exchange(waiting_, {})) cancel_later(std::move(attempt));
  for (std::size_t rank = 1; rank < ranks_.size(); ++rank)
    ranks_[rank].out.add(RankRecord::kCancel, run_, 0, as_bytes(how == plan::Stop::kAtOnce ? 1 : 0));
  flush();
  pump_alarm_.set(0);
  local_.cancel_all(how);
}

void MpiExecutor::interrupt(plan::JobId job, bool timed_out) {
  if (here_.contains(job)) return local_.interrupt(job, timed_out);
  for (const auto& [request_id, sent] : sent_) {
    if (sent->attempt.job != job) continue;
    ranks_[sent->rank].out.add(RankRecord::kInterrupt, run_, request_id, as_bytes(timed_out ? 1 : 0));
    return pump_alarm_.set(0);
  }
}

}  // namespace furrow::exec
