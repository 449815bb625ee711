#include "mpi/rank_crew.hpp"

#include <algorithm>
#include <ctime>

#include "furrow/detail/function_place.hpp"
#include "mpi/operations.hpp"
#include "mpi/rank_ticket.hpp"
#include "pool/map/participant.hpp"
#include "pool/task/failure.hpp"

namespace furrow::mpi_detail {

namespace {

constexpr std::int64_t kStretch_ns = 4'000'000;  // of work, for each worker of a rank
constexpr std::int64_t kFirstPatience_ns = 20'000, kLastPatience_ns = 500'000;
constexpr std::int64_t kSending_ns = 1'000;
constexpr std::int64_t kBetweenRecalls_ns = 5'000'000;

}  // namespace

RankCrew::RankCrew(Mailbox& mailbox, std::uint64_t pool, const std::vector<int>& workers_of,
                   std::unique_ptr<RankWorkers> own, pool::Cargo* cargo)
    : mailbox_(mailbox), pool_(pool), cargo_(cargo), own_(std::move(own)), links_(workers_of.size()) {
  if (cargo) mailbox_.room = [cargo](std::size_t size) { return cargo->room(size); };
  for (std::size_t i = 0; i < links_.size(); ++i) links_[i].workers = workers_of[i];
  if (own_) own_->crew().restarted = [this](int worker) { restarted(worker); };
}

RankCrew::~RankCrew() { mailbox_.room = nullptr; }

pool::ParcelCrew::Appetite RankCrew::appetite() const {
  std::uint64_t workers = 0;
  for (const Link& each : links_) workers += static_cast<std::uint64_t>(each.workers);
  const std::uint64_t average = std::max<std::uint64_t>(workers / links_.size(), 1);
  return {links_.size() * kTicketsAhead, kChunksAhead * workers,
          kStretch_ns * static_cast<std::int64_t>(average), true};
}

void RankCrew::queue(pool::Parcel* parcel, std::uint64_t begin, std::uint64_t end, bool front) {
  if (begin == end) return;
  ++pieces_;
  ++parcel->pieces;
  if (front)
    queue_.push_front({parcel, begin, end});
  else
    queue_.push_back({parcel, begin, end});
}

void RankCrew::submit(pool::Parcel* parcel) {
  parcel->left = parcel->end - parcel->begin;
  parcel->pieces = 0;
  parcel->busy_ns = 0;
  queue(parcel, parcel->begin, parcel->end, false);
  if (!broken_.empty()) return collapse(broken_);
  hand_out();
}

// Going on.

bool RankCrew::work() {
  try {
    bool happened = receive();
    if (!broken_.empty()) {
      over_.clear();
      return happened;
    }
    const bool own_happened = own_ && own_->work();
    if (own_ && !own_->broken().empty()) {
      collapse(own_->broken());
      return true;
    }
    happened = hand_out() || happened;
    if (!happened && balance()) happened = true;
    flush();
    over_.clear();
    if (happened) patience_ns_ = kFirstPatience_ns;
    return happened || own_happened;
  } catch (const PoolError& error) {
    collapse(error.what());
    return true;
  }
}

// MPI has nothing to sleep on, and sends no further while nobody asks. Our own workers ring when they have
// something.
void RankCrew::rest(std::int64_t at_most_ns) {
  if (!broken_.empty()) return;
  const bool waits_for_others = remote_tickets_ > 0 || !mailbox_.all_sent();
  std::int64_t patience = at_most_ns;
  if (waits_for_others) {
    patience = std::min(patience, patience_ns_);
    patience_ns_ = mailbox_.all_sent() ? std::min(2 * patience_ns_, kLastPatience_ns) : kSending_ns;
  }
  if (own_ && !own_->idle()) return own_->rest(patience);
  patience = std::min(patience, kLastPatience_ns);
  const timespec time{0, static_cast<long>(patience)};
  ::nanosleep(&time, nullptr);
}

// What waits at a busy rank, for one that has nothing to do.
bool RankCrew::balance() {
  if (!queue_.empty() || links_.size() == 1) return false;
  int fullest = -1;
  bool somebody_idles = false;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const Link& each = links_[i];
    if (each.workers == 0) continue;
    if (each.chunks < static_cast<std::uint64_t>(each.workers)) somebody_idles = true;
    if (each.chunks > static_cast<std::uint64_t>(each.workers) &&
        (fullest < 0 || each.chunks > links_[static_cast<std::size_t>(fullest)].chunks))
      fullest = static_cast<int>(i);
  }
  if (!somebody_idles || fullest < 0) return false;
  Link& link = links_[static_cast<std::size_t>(fullest)];
  const std::int64_t now = pool::steady_ns();
  if (now - link.recalled_ns < kBetweenRecalls_ns) return false;
  link.recalled_ns = now;
  if (fullest > 0) {
    link.out.add(RecordKind::kRecall);
    return false;
  }
  own_->give_back([](const pool::Parcel&) { return true; },
                  [&](pool::Parcel* stretch, std::uint64_t begin, std::uint64_t end) {
                    give_back(static_cast<Ticket&>(*stretch), begin, end);
                  });
  return hand_out();
}

std::vector<pool::Parcel*> RankCrew::withdraw() {
  std::vector<pool::Parcel*> unbegun;
  std::deque<Piece> begun;
  for (const Piece& each : queue_) {
    if (each.parcel->pieces > 1 || each.parcel->left < each.parcel->end - each.parcel->begin) {
      begun.push_back(each);
      continue;
    }
    --pieces_;
    --each.parcel->pieces;
    unbegun.push_back(each.parcel);
  }
  queue_ = std::move(begun);
  return unbegun;
}

void RankCrew::stop(std::uint64_t job) {
  std::deque<Piece> others;
  std::vector<Piece> stopped;
  for (const Piece& each : queue_) {
    if (each.parcel->job == job)
      stopped.push_back(each);
    else
      others.push_back(each);
  }
  queue_ = std::move(others);
  Failure cancelled = pool::cancelled("the map was stopped first");
  for (const Piece& each : stopped) {
    for (std::uint64_t unit = each.begin; unit < each.end; ++unit) {
      --each.parcel->left;
      fail(*each.parcel, unit, cancelled, -1);
    }
    finish_piece(*each.parcel, -1);
  }
  if (own_) own_->stop(job);
  for (std::size_t i = 1; i < links_.size(); ++i) {
    Link& link = links_[i];
    if (link.tickets == 0 || std::exchange(link.stopping, job) == job) continue;
    link.out.add(RecordKind::kStop, job);
  }
}

void RankCrew::forget(std::uint64_t job) {
  for (std::size_t i = 1; i < links_.size(); ++i) {
    const auto found = links_[i].lasting.find(job);
    if (found == links_[i].lasting.end()) continue;
    if (!found->second.empty()) links_[i].out.add(RecordKind::kForget, job);
    links_[i].lasting.erase(found);
  }
  flush();
}

void RankCrew::operate(const detail::RankCall& call) {
  Bytes arguments;
  detail::write_place(arguments, call.operation);
  call.encode(arguments);
  for (std::size_t i = 1; i < links_.size(); ++i) {
    links_[i].out.begin(RecordKind::kOperation).write(arguments.data(), arguments.size());
    links_[i].out.end();
  }
  flush();
  replies_ = std::vector<std::optional<Bytes>>(links_.size());
  run_operation(BytesReader(arguments.data(), arguments.size()), replies_[0].emplace());
  const auto missing = [](const std::optional<Bytes>& each) { return !each; };
  while (std::any_of(replies_.begin(), replies_.end(), missing))
    if (!receive()) rest(kFirstPatience_ns);
  const auto replies = std::exchange(replies_, {});
  std::optional<Failure> first;
  for (const auto& each : replies) {
    BytesReader reply(each->data(), each->size());
    if (reply.take<std::uint64_t>() == 0) continue;
    Failure failure = pool::decode_failure(reply);
    if (!first || failure.index < first->index) first = std::move(failure);
  }
  if (first) throw_failure(*first);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    BytesReader reply(replies[i]->data(), replies[i]->size());
    reply.take<std::uint64_t>();
    call.take(static_cast<int>(i), reply);
  }
}

void RankCrew::nudge() {
  if (own_) own_->crew().nudge();
}

void RankCrew::leave() {
  if (own_) own_->idle() ? own_->leave() : own_->abandon();
  for (std::size_t i = 1; i < links_.size(); ++i) links_[i].out.add(RecordKind::kClose);
  flush();
  mailbox_.flush();
}

// Fails everything. Other ranks may go on for a while; nobody listens.
void RankCrew::collapse(const std::string& why) {
  broken_ = why;
  if (own_) own_->abandon();
  const Failure failure = pool::lost(why);
  const std::deque<Piece> waiting = std::exchange(queue_, {});
  auto tickets = std::exchange(tickets_, {});
  remote_tickets_ = 0;
  for (Link& each : links_) each.tickets = each.chunks = 0;
  const auto give_up = [&](pool::Parcel& parcel, std::uint64_t unit) {
    --parcel.left;
    fail(parcel, unit, failure, -1);
  };
  for (const Piece& each : waiting) {
    for (std::uint64_t unit = each.begin; unit < each.end; ++unit) give_up(*each.parcel, unit);
    finish_piece(*each.parcel, -1);
  }
  for (auto& [number, ticket] : tickets) {
    for (std::uint64_t unit = ticket->begin; unit < ticket->end; ++unit)
      if (!ticket->knows(unit)) give_up(*ticket->real, unit);
    finish_piece(*ticket->real, -1);
    over_.push_back(std::move(ticket));
  }
}

}  // namespace furrow::mpi_detail
