#include "exec/ranks/mpi_executor.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>

#include "exec/output/printed.hpp"
#include "exec/output/stream_writer.hpp"
#include "exec/ranks/rank_input.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/files/spill.hpp"

namespace furrow::exec {

namespace {

using plan::Exit;

constexpr std::size_t kRoot = 0;
// Between two looks for messages: MPI has nothing to sleep on.
constexpr double kBusy_s = 0.001, kIdle_s = 0.005, kIdleAfter_s = 0.2, kUnused_s = 0.05;
constexpr double kCheckEvery_s = 0.5;
// What is sent ahead keeps a rank's cores at work for this long: more than a message and its answer take.
constexpr double kAhead_s = 0.01;
constexpr std::int64_t kMostAhead = 64;  // for one rank
constexpr double kMemory = 0.1;          // of the mean: what a new duration counts
constexpr double kRecallAfter_s = 0.1;   // without the end of a job

std::vector<std::string> own_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

}  // namespace

class MpiExecutor::Impl : public plan::ExitListener {
 public:
  Impl(os::EventLoop& loop, RankTeam& team, plan::Executor& local, OutputSink* sink, MpiOptions options);
  ~Impl() override;

  void start(plan::Attempt attempt);
  void cancel_all(plan::Stop how);
  void interrupt(plan::JobId job, bool timed_out);
  std::size_t max_running() const;

  plan::ExitListener* listener = nullptr;
  std::size_t running = 0;

 private:
  struct Rank {
    RankShare share;
    std::int64_t cores_used = 0, memory_used = 0;  // the jobs sent ahead included
    double last_end = 0;
    bool is_stuck = false;  // a long job keeps short ones waiting there
    RankRecords out{};
    std::uint64_t taken = 0;  // bytes of output that the rank was not told of yet
  };
  struct Sent {
    std::size_t rank = 0;
    plan::Attempt attempt{};
    RankNeeds needs{};
    std::unique_ptr<RankInputReader> input{};
    std::optional<StreamWriter> to_out{}, to_err{};
    os::Spill out, err;
  };

  void set_up_ranks();
  void on_exit(Exit exit) override;  // of a job of rank 0
  std::optional<std::size_t> place_for(const RankNeeds& needs, bool may_lie) const;
  bool has_room(const Rank& rank, const RankNeeds& needs, std::int64_t ahead) const;
  RankNeeds needs_of(const plan::Attempt& attempt) const;
  bool place(plan::Attempt& attempt);
  void place_waiting();
  void send(std::size_t rank, plan::Attempt attempt, const RankNeeds& needs);
  void begin_input(std::uint64_t ticket, Sent& sent);
  std::int64_t ahead_of(std::size_t rank) const;
  void free(std::size_t rank, const RankNeeds& needs);

  void pump_in(double delay_s);
  void pump();
  bool receive();
  void take(std::size_t rank, const RankRecordHead& head, std::string_view payload);
  void printed(Sent& sent, bool is_err, std::string_view piece);
  void ended(std::uint64_t ticket, Exit exit);
  static void note_stream_errors(const Sent& sent, Exit& exit);
  void returned(std::uint64_t ticket);
  void recall_from_the_stuck();
  void flush();
  void cancel_later(plan::Attempt attempt);

  os::EventLoop& loop_;
  RankTeam& team_;
  plan::Executor& local_;
  OutputSink* const sink_;
  const MpiOptions options_;
  const std::uint32_t run_;
  std::vector<Rank> ranks_;
  std::deque<plan::Attempt> waiting_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Sent>> sent_;  // by ticket
  std::unordered_map<plan::JobId, RankNeeds> here_;                // on rank 0
  std::vector<Exit> cancelled_;                                    // to be reported from the loop
  std::uint64_t last_ticket_ = 0;
  std::int64_t most_cores_ = 1;
  double mean_s_ = 0;  // of the jobs that ended well lately; 0: not known
  double last_news_ = 0, last_check_ = 0, pump_at_ = 0;
  std::uint64_t pump_timer_ = 0;
  bool is_cancelled_ = false;
};

MpiExecutor::Impl::Impl(os::EventLoop& loop, RankTeam& team, plan::Executor& local, OutputSink* sink,
                        MpiOptions options)
    : loop_(loop),
      team_(team),
      local_(local),
      sink_(sink),
      options_(std::move(options)),
      run_(team.next_run()) {
  for (const RankShare& share : options_.shares) {
    ranks_.push_back({.share = share});
    most_cores_ = std::max(most_cores_, share.cores);
  }
  local_.set_listener(this);
  set_up_ranks();
  pump_in(0);
}

MpiExecutor::Impl::~Impl() {
  loop_.cancel(pump_timer_);
  local_.set_listener(nullptr);
  for (std::size_t rank = 1; rank < ranks_.size(); ++rank) ranks_[rank].out.add(RankRecord::kClose, run_);
  flush();
}

void MpiExecutor::Impl::set_up_ranks() {
  RankSetup setup;
  setup.directory = os::current_directory();
  setup.environment = own_environment();
  setup.one_stream = !options_.has_streams && (sink_ == nullptr || sink_->is_one_stream());
  setup.as_it_comes = options_.has_streams || (sink_ != nullptr && sink_->wants_pieces());
  setup.ending = options_.ending;
  setup.evaluator = options_.evaluator;
  for (std::size_t rank = 1; rank < ranks_.size(); ++rank) {
    setup.cores = ranks_[rank].share.cores;
    setup.memory_mb = ranks_[rank].share.memory_mb;
    ranks_[rank].out.add(RankRecord::kSetup, run_, 0, write_setup(setup));
  }
}

// --- where an attempt goes

RankNeeds MpiExecutor::Impl::needs_of(const plan::Attempt& attempt) const {
  RankNeeds needs = options_.needs ? options_.needs(attempt) : RankNeeds{};
  const std::int64_t most = needs.on_root ? ranks_[kRoot].share.cores : most_cores_;
  needs.cores = std::clamp<std::int64_t>(needs.cores, 1, std::max<std::int64_t>(most, 1));
  // A job gets all there is where it asks for more, as on one machine.
  std::int64_t memory = 0;
  for (std::size_t rank = 0; rank < (needs.on_root ? 1 : ranks_.size()); ++rank) {
    const RankShare& share = ranks_[rank].share;
    if (share.cores < needs.cores) continue;
    if (share.memory_mb == 0) return needs;
    memory = std::max(memory, share.memory_mb);
  }
  if (memory > 0) needs.memory_mb = std::min(needs.memory_mb, memory);
  return needs;
}

bool MpiExecutor::Impl::has_room(const Rank& rank, const RankNeeds& needs, std::int64_t ahead) const {
  const RankShare& share = rank.share;
  const bool has_memory = share.memory_mb == 0 || rank.memory_used + needs.memory_mb <= share.memory_mb;
  return has_memory && rank.cores_used + needs.cores <= share.cores + ahead;
}

// The rank with the most free cores; where none is free and it MAY_LIE there for a while: that which has the
// least in advance.
std::optional<std::size_t> MpiExecutor::Impl::place_for(const RankNeeds& needs, bool may_lie) const {
  std::optional<std::size_t> best;
  const auto free_cores = [&](std::size_t rank) {
    return ranks_[rank].share.cores - ranks_[rank].cores_used;
  };
  const std::size_t end = needs.on_root ? 1 : ranks_.size();
  for (const bool ahead : {false, true}) {
    if (ahead && (!may_lie || best)) break;
    for (std::size_t rank = 0; rank < end; ++rank) {
      const bool is_on_root = needs.on_root && rank == kRoot && ranks_[rank].share.cores == 0;
      if (is_on_root) return rank;
      if (ranks_[rank].share.cores < needs.cores) continue;
      if (!has_room(ranks_[rank], needs, ahead ? ahead_of(rank) : 0)) continue;
      if (!best || free_cores(rank) > free_cores(*best)) best = rank;
    }
  }
  return best;
}

std::int64_t MpiExecutor::Impl::ahead_of(std::size_t rank) const {
  if (rank == kRoot || !options_.may_send_ahead || mean_s_ <= 0 || ranks_[rank].is_stuck) return 0;
  const double jobs = static_cast<double>(ranks_[rank].share.cores) * kAhead_s / mean_s_;
  return static_cast<std::int64_t>(std::min(jobs, static_cast<double>(kMostAhead)));
}

// As many as run, and as there is room for now.
std::size_t MpiExecutor::Impl::max_running() const {
  if (!waiting_.empty()) return running;
  std::int64_t room = 0;
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    const Rank& each = ranks_[rank];
    if (each.share.cores > 0)
      room += std::max<std::int64_t>(0, each.share.cores + ahead_of(rank) - each.cores_used);
  }
  return running + static_cast<std::size_t>(room);
}

bool MpiExecutor::Impl::place(plan::Attempt& attempt) {
  const RankNeeds needs = needs_of(attempt);
  // What a job reads cannot be called back.
  const bool may_lie = !attempt.launch.input && needs.memory_mb == 0;
  const auto rank = place_for(needs, may_lie);
  if (!rank) return false;
  ranks_[*rank].cores_used += needs.cores;
  ranks_[*rank].memory_used += needs.memory_mb;
  if (*rank != kRoot) {
    send(*rank, std::move(attempt), needs);
  } else {
    here_[attempt.job] = needs;
    local_.start(std::move(attempt));
  }
  return true;
}

void MpiExecutor::Impl::place_waiting() {
  while (!waiting_.empty() && place(waiting_.front())) waiting_.pop_front();
}

void MpiExecutor::Impl::free(std::size_t rank, const RankNeeds& needs) {
  ranks_[rank].cores_used -= needs.cores;
  ranks_[rank].memory_used -= needs.memory_mb;
}

// --- starting

void MpiExecutor::Impl::start(plan::Attempt attempt) {
  ++running;
  if (is_cancelled_) return cancel_later(std::move(attempt));
  if (!waiting_.empty() || !place(attempt)) waiting_.push_back(std::move(attempt));
}

void MpiExecutor::Impl::send(std::size_t rank, plan::Attempt attempt, const RankNeeds& needs) {
  const std::uint64_t ticket = ++last_ticket_;
  Rank& to = ranks_[rank];
  if (to.cores_used <= to.share.cores) to.last_end = os::monotonic_seconds();  // nothing lies there yet
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
  to.out.add(RankRecord::kStart, run_, ticket, write_start(start));
  if (launch.output) sent->to_out.emplace(*launch.output);
  if (launch.errors) sent->to_err.emplace(*launch.errors);
  if (launch.input) begin_input(ticket, *sent);
  sent_.emplace(ticket, std::move(sent));
  pump_in(0);
}

void MpiExecutor::Impl::begin_input(std::uint64_t ticket, Sent& sent) {
  sent.input = std::make_unique<RankInputReader>(
      loop_, sent.attempt.launch.input, [this, ticket, rank = sent.rank](std::string_view piece) {
        ranks_[rank].out.add(piece.empty() ? RankRecord::kInputEnd : RankRecord::kInput, run_, ticket, piece);
        pump_in(0);
      });
  sent.input->read_on();
}

// --- news from the ranks

void MpiExecutor::Impl::pump_in(double delay_s) {
  const double at = os::monotonic_seconds() + delay_s;
  if (pump_timer_ != 0 && pump_at_ <= at) return;
  loop_.cancel(pump_timer_);
  pump_at_ = at;
  pump_timer_ = loop_.after(delay_s, [this] {
    pump_timer_ = 0;
    pump();
  });
}

void MpiExecutor::Impl::pump() {
  for (Exit& exit : std::exchange(cancelled_, {})) {
    --running;
    listener->on_exit(std::move(exit));
  }
  flush();
  const double now = os::monotonic_seconds();
  if (receive()) last_news_ = now;
  recall_from_the_stuck();
  place_waiting();
  flush();
  if (now - last_check_ > kCheckEvery_s) {
    team_.check();
    last_check_ = now;
  }
  const bool is_used = !sent_.empty() || !waiting_.empty();
  pump_in(!is_used ? kUnused_s : now - last_news_ > kIdleAfter_s ? kIdle_s : kBusy_s);
}

bool MpiExecutor::Impl::receive() {
  bool any = false;
  while (auto letter = team_.post().receive()) {
    const auto rank = static_cast<std::size_t>(letter->from);
    for_each_record(letter->message, [&](const RankRecordHead& head, std::string_view payload) {
      if (head.kind == RankRecord::kOut || head.kind == RankRecord::kErr)
        ranks_[rank].taken += payload.size();
      if (head.run == run_) take(rank, head, payload);
    });
    any = true;
    flush();
  }
  return any;
}

void MpiExecutor::Impl::take(std::size_t, const RankRecordHead& head, std::string_view payload) {
  if (head.kind == RankRecord::kSignal) {
    const int signal = static_cast<int>(number_from(payload));
    const bool is_ours = signal == SIGINT || signal == SIGTERM || signal == SIGHUP;
    if (is_ours && !is_cancelled_) ::kill(::getpid(), signal);
    return;
  }
  const auto found = sent_.find(head.ticket);
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
      return returned(head.ticket);
    case RankRecord::kExit:
      return ended(head.ticket, read_exit(payload));
    default:
      return;
  }
}

void MpiExecutor::Impl::printed(Sent& sent, bool is_err, std::string_view piece) {
  if (auto& stream = is_err ? sent.to_err : sent.to_out) {
    stream->write(piece);
  } else if (sink_ != nullptr && sink_->wants_pieces()) {
    sink_->on_piece(sent.attempt.job, is_err, piece);
  } else {
    (is_err ? sent.err : sent.out).append(piece);
  }
}

void MpiExecutor::Impl::ended(std::uint64_t ticket, Exit exit) {
  const std::unique_ptr<Sent> sent = std::move(sent_.extract(ticket).mapped());
  Rank& rank = ranks_[sent->rank];
  free(sent->rank, sent->needs);
  rank.last_end = os::monotonic_seconds();
  rank.is_stuck = false;
  if (exit.ok()) mean_s_ += (exit.usage.wall_s - mean_s_) * (mean_s_ > 0 ? kMemory : 1);
  exit.job = sent->attempt.job;
  exit.attempt = sent->attempt.number;
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
  --running;
  listener->on_exit(std::move(exit));
}

// As if the job itself had written there.
void MpiExecutor::Impl::note_stream_errors(const Sent& sent, Exit& exit) {
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

void MpiExecutor::Impl::on_exit(Exit exit) {
  const auto found = here_.find(exit.job);
  if (found != here_.end()) {
    free(kRoot, found->second);
    here_.erase(found);
  }
  --running;
  listener->on_exit(std::move(exit));
  if (!waiting_.empty()) pump_in(0);
}

// --- what lies where it cannot run

void MpiExecutor::Impl::returned(std::uint64_t ticket) {
  std::unique_ptr<Sent> sent = std::move(sent_.extract(ticket).mapped());
  free(sent->rank, sent->needs);
  if (!is_cancelled_) {
    waiting_.push_front(std::move(sent->attempt));
  } else {
    cancel_later(std::move(sent->attempt));
  }
}

void MpiExecutor::Impl::recall_from_the_stuck() {
  const double now = os::monotonic_seconds();
  for (std::size_t rank = 1; rank < ranks_.size(); ++rank) {
    Rank& each = ranks_[rank];
    const bool has_more = each.cores_used > each.share.cores;
    if (!has_more || each.is_stuck || now - each.last_end < kRecallAfter_s) continue;
    each.is_stuck = true;
    each.out.add(RankRecord::kRecall, run_);
  }
}

void MpiExecutor::Impl::flush() {
  for (std::size_t rank = 1; rank < ranks_.size(); ++rank) {
    Rank& each = ranks_[rank];
    if (each.taken > 0) each.out.add(RankRecord::kTaken, run_, 0, as_bytes(std::exchange(each.taken, 0)));
    if (each.out.empty()) continue;
    team_.post().send(static_cast<int>(rank), each.out.bytes());
    each.out.clear();
  }
}

// --- cancelling

void MpiExecutor::Impl::cancel_later(plan::Attempt attempt) {
  if (!attempt.launch.scratch.empty()) ::unlink(attempt.launch.scratch.c_str());
  cancelled_.push_back({.job = attempt.job,
                        .attempt = attempt.number,
                        .status = -1,
                        .cancelled = true,
                        .started_at = os::wall_seconds()});
  pump_in(0);
}

void MpiExecutor::Impl::cancel_all(plan::Stop how) {
  is_cancelled_ = true;
  for (plan::Attempt& attempt : std::exchange(waiting_, {})) cancel_later(std::move(attempt));
  for (std::size_t rank = 1; rank < ranks_.size(); ++rank)
    ranks_[rank].out.add(RankRecord::kCancel, run_, 0, as_bytes(how == plan::Stop::kAtOnce ? 1 : 0));
  flush();
  pump_in(0);
  local_.cancel_all(how);
}

void MpiExecutor::Impl::interrupt(plan::JobId job, bool timed_out) {
  if (here_.contains(job)) return local_.interrupt(job, timed_out);
  for (const auto& [ticket, sent] : sent_) {
    if (sent->attempt.job != job) continue;
    ranks_[sent->rank].out.add(RankRecord::kInterrupt, run_, ticket, as_bytes(timed_out ? 1 : 0));
    return pump_in(0);
  }
}

// --- MpiExecutor

MpiExecutor::MpiExecutor(os::EventLoop& loop, RankTeam& team, plan::Executor& local, OutputSink* sink,
                         MpiOptions options)
    : impl_(std::make_unique<Impl>(loop, team, local, sink, std::move(options))) {}

MpiExecutor::~MpiExecutor() = default;

std::int64_t MpiExecutor::most_ahead(const std::vector<RankShare>& shares) {
  return static_cast<std::int64_t>(shares.size() - 1) * kMostAhead;
}

void MpiExecutor::set_listener(plan::ExitListener* listener) { impl_->listener = listener; }
std::size_t MpiExecutor::max_running() const { return impl_->max_running(); }
void MpiExecutor::start(plan::Attempt attempt) { impl_->start(std::move(attempt)); }
std::size_t MpiExecutor::running() const { return impl_->running; }
void MpiExecutor::cancel_all(plan::Stop how) { impl_->cancel_all(how); }
void MpiExecutor::interrupt(plan::JobId job, bool timed_out) { impl_->interrupt(job, timed_out); }

}  // namespace furrow::exec
