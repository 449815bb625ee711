#include "mpi/rank_crew.hpp"

#include <algorithm>
#include <ctime>

#include "furrow/detail/function_place.hpp"
#include "mpi/operations.hpp"
#include "pool/failure.hpp"
#include "pool/participant.hpp"

namespace furrow::mpi_detail {

namespace {

constexpr std::int64_t kStretch_ns = 4'000'000;              // of work, for each worker of a rank
constexpr std::uint64_t kChunksAhead = 2;                    // of each worker
constexpr std::uint64_t kCallsAhead = 256;                   // the same of single calls
constexpr std::uint64_t kTicketsAhead = 2;                   // of each rank
constexpr std::size_t kInputsAtOnce = std::size_t{8} << 20;  // bytes in one stretch of several units
constexpr std::size_t kFullBatch = std::size_t{256} << 10;
constexpr std::size_t kTreeJob = std::size_t{64} << 10;
constexpr std::int64_t kFirstPatience_ns = 20'000, kLastPatience_ns = 500'000;
constexpr std::int64_t kSending_ns = 1'000;
constexpr std::int64_t kBetweenRecalls_ns = 5'000'000;

// Tickets are unlike those of Pools before, whose records may still come.
std::uint64_t last_ticket = 0;

std::uint64_t chunks_in(const pool::Parcel& parcel, std::uint64_t units) {
  return parcel.chunksize ? (units + parcel.chunksize - 1) / parcel.chunksize : units;
}

}  // namespace

// A stretch that was sent; for our own workers it is the parcel that they get.
struct RankCrew::Ticket : pool::Parcel {
  Ticket(RankCrew& of, int to) : crew(of), rank(to) {}
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override { real->encode(from, to, body); }
  void encode_job(Writer& body) override { real->encode_job(body); }
  void store(std::uint64_t unit, Reader& result) override {
    real->store(unit, result);
    account(unit, 1);
  }
  void store_block(std::uint64_t unit, std::uint64_t count, std::span<const std::byte> bytes) override {
    real->store_block(unit, count, bytes);
    account(unit, count);
  }
  void failed(Failure failure, std::uint64_t unit, int worker) override {
    account(unit, 1);
    crew.fail(*real, unit, std::move(failure), worker);
  }
  void done(int worker, const Times& times) override { crew.finish(*this, worker, times.ended_ns); }
  std::uint64_t index_of(std::uint64_t unit) const override { return real->index_of(unit); }
  void account(std::uint64_t unit, std::uint64_t count) {
    mark(unit, count);
    real->left -= count;
  }
  void mark(std::uint64_t unit, std::uint64_t count) {
    open -= count;
    std::fill_n(seen.begin() + static_cast<std::ptrdiff_t>(unit - begin), count, true);
  }
  bool knows(std::uint64_t unit) const { return seen[unit - begin]; }

  RankCrew& crew;
  const int rank;
  pool::Parcel* real = nullptr;
  std::uint64_t number = 0;
  std::uint64_t open = 0;    // units that are not accounted for
  std::vector<bool> seen{};  // which are
  std::uint64_t chunks = 0;  // that it counts as
};

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

// Sending.

int RankCrew::choose_link(const Piece& piece) const {
  const std::uint64_t ahead = piece.parcel->job == 0 ? kCallsAhead : kChunksAhead;
  int best = -1;
  double least = 0;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const Link& each = links_[i];
    const auto workers = static_cast<std::uint64_t>(each.workers);
    if (workers == 0) continue;
    if (each.tickets >= kTicketsAhead && each.chunks >= ahead * workers) continue;
    const double load = static_cast<double>(each.chunks) / each.workers;
    if (best >= 0 && load >= least) continue;
    best = static_cast<int>(i);
    least = load;
  }
  return best;
}

bool RankCrew::hand_out() {
  bool happened = false;
  while (!queue_.empty()) {
    const int rank = choose_link(queue_.front());
    if (rank < 0) break;
    const Piece piece = queue_.front();
    queue_.pop_front();
    send(rank, piece);
    happened = true;
  }
  return happened;
}

RankCrew::Ticket& RankCrew::new_ticket(int rank, const Piece& piece) {
  auto made = std::make_unique<Ticket>(*this, rank);
  Ticket& ticket = *made;
  ticket.real = piece.parcel;
  ticket.number = ++last_ticket;
  ticket.begin = piece.begin;
  ticket.end = piece.end;
  ticket.job = piece.parcel->job;
  ticket.unit_items = piece.parcel->unit_items;
  ticket.result_size = piece.parcel->result_size;
  ticket.chunksize = piece.parcel->chunksize;
  ticket.timeout_s = piece.parcel->timeout_s;
  ticket.retries = piece.parcel->retries;
  tickets_.emplace(ticket.number, std::move(made));
  return ticket;
}

void RankCrew::send(int rank, Piece piece) {
  Ticket& ticket = new_ticket(rank, piece);
  Link& link = links_[static_cast<std::size_t>(rank)];
  if (rank != 0 && !write_stretch(rank, piece, ticket)) {
    tickets_.erase(ticket.number);
    return finish_piece(*piece.parcel, -1);
  }
  ticket.end = piece.end;
  ticket.open = piece.end - piece.begin;
  ticket.seen.resize(ticket.open);
  ticket.chunks = chunks_in(*piece.parcel, ticket.open);
  ++link.tickets;
  link.chunks += ticket.chunks;
  if (rank == 0) return own_->submit(&ticket);
  ++remote_tickets_;
  if (link.out.size() >= kFullBatch || !link.out.beside.empty()) dispatch(rank);
}

void RankCrew::dispatch(int rank) {
  Batch& out = links_[static_cast<std::size_t>(rank)].out;
  mailbox_.send(rank, out.take(), out.take_beside());
}

// What did not go with it is queued again. False where nothing went.
bool RankCrew::write_stretch(int rank, Piece& piece, Ticket& ticket) {
  Link& link = links_[static_cast<std::size_t>(rank)];
  Bytes inputs = mailbox_.spare();
  std::vector<std::uint64_t> sizes;
  std::uint64_t unit = piece.begin;
  bool alike = true;
  try {
    teach(rank, *piece.parcel);
    for (; unit < piece.end && (inputs.size() < kInputsAtOnce || unit == piece.begin); ++unit) {
      const std::size_t before = inputs.size();
      piece.parcel->encode(unit, unit + 1, inputs);
      const std::uint64_t size = inputs.size() - before;
      if (cargo_) cargo_->load({inputs.data() + before, size}, link.out.beside, &link.lasting[ticket.job]);
      if (alike && unit != piece.begin && size != sizes.front()) {
        alike = false;
        sizes.assign(unit - piece.begin, sizes.front());
      }
      if (!alike || sizes.empty()) sizes.push_back(size);
    }
  } catch (...) {
    queue(piece.parcel, unit + 1, piece.end, true);
    --piece.parcel->left;
    Failure failure = pool::lost("its input could not be sent: " + pool::current_failure().message);
    fail(*piece.parcel, unit, std::move(failure), -1);
    piece.end = unit;
  }
  if (piece.begin == piece.end) return false;
  if (unit < piece.end) queue(piece.parcel, unit, piece.end, true);
  piece.end = unit;
  const StretchHead head{ticket.number,
                         piece.parcel->job,
                         piece.begin,
                         piece.end,
                         piece.parcel->chunksize,
                         piece.parcel->unit_items,
                         piece.parcel->result_size,
                         static_cast<std::uint64_t>(piece.parcel->retries),
                         piece.parcel->timeout_s,
                         piece.begin - piece.parcel->index_of(piece.begin),
                         alike ? sizes.front() : StretchHead::kVarious};
  Writer& record = link.out.begin(RecordKind::kStretch);
  record.write(&head, sizeof head);
  if (!alike) record.write(sizes.data(), (piece.end - piece.begin) * sizeof(std::uint64_t));
  record.write(inputs.data(), inputs.size());
  link.out.end();
  mailbox_.keep(std::move(inputs));
  return true;
}

// The rank must know the function before its first stretch comes. A large one goes to all ranks at once.
void RankCrew::teach(int rank, pool::Parcel& parcel) {
  Link& link = links_[static_cast<std::size_t>(rank)];
  const auto knows = [&](const Link& each) {
    return std::find(each.jobs.begin(), each.jobs.end(), parcel.job) != each.jobs.end();
  };
  if (parcel.job == 0 || knows(link)) return;
  const auto remember = [&](Link& by) {
    by.jobs.push_back(parcel.job);
    by.lasting.erase(parcel.job);
    if (by.jobs.size() <= pool::MessageCrew::kJobs) return;
    by.lasting.erase(by.jobs.front());
    by.jobs.pop_front();
  };
  Batch job;
  Writer& record = job.begin(RecordKind::kJob);
  const std::uint64_t direct[2] = {parcel.job, 0};
  record.write(direct, sizeof direct);
  parcel.encode_job(record);
  job.end();
  const bool by_tree =
      job.size() > kTreeJob && links_.size() > 2 && std::none_of(links_.begin() + 1, links_.end(), knows);
  Bytes bytes = job.take();
  if (!by_tree) {
    remember(link);
    link.out.append(bytes);
    return;
  }
  const std::uint64_t passed_on = 1;
  std::memcpy(bytes.data() + sizeof(RecordHead) + sizeof parcel.job, &passed_on, sizeof passed_on);
  for (int child : {1, 2}) {
    Bytes copy;
    copy.write(bytes.data(), bytes.size());
    mailbox_.send(child, std::move(copy));
  }
  for (std::size_t i = 1; i < links_.size(); ++i) remember(links_[i]);
}

void RankCrew::flush() {
  for (std::size_t i = 1; i < links_.size(); ++i)
    if (!links_[i].out.empty()) {
      dispatch(static_cast<int>(i));
      links_[i].out.reuse(mailbox_.spare());
    }
}

// What ranks report.

bool RankCrew::receive() {
  bool happened = false;
  while (auto letter = mailbox_.receive()) {
    for_each_record(letter->message,
                    [&](RecordKind kind, BytesReader record) { take(*letter, kind, record); });
    mailbox_.keep(std::move(letter->message));
    happened = true;
  }
  return happened;
}

RankCrew::Ticket* RankCrew::find(std::uint64_t number) {
  const auto found = tickets_.find(number);
  return found == tickets_.end() ? nullptr : found->second.get();
}

// Null where the ticket is of a Pool that is over.
RankCrew::Ticket* RankCrew::find(std::uint64_t number, std::uint64_t begin, std::uint64_t end) {
  Ticket* const ticket = find(number);
  if (!ticket) return nullptr;
  bool expected = begin >= ticket->begin && end <= ticket->end && begin <= end;
  for (std::uint64_t unit = begin; expected && unit < end; ++unit) expected = !ticket->knows(unit);
  if (expected) return ticket;
  throw PoolError("rank " + std::to_string(ticket->rank) + " reported units that it did not have");
}

void RankCrew::take(Mailbox::Letter& letter, RecordKind kind, BytesReader record) {
  switch (kind) {
    case RecordKind::kResults:
      return take_results(record);
    case RecordKind::kBlock:
      return take_block(record, letter);
    case RecordKind::kFailure:
      return take_failure(record);
    case RecordKind::kReturned: {
      const auto head = record.take<ReturnedHead>();
      if (Ticket* ticket = find(head.ticket, head.begin, head.end)) give_back(*ticket, head.begin, head.end);
      return;
    }
    case RecordKind::kDone: {
      const auto head = record.take<DoneHead>();
      if (Ticket* ticket = find(head.ticket)) finish(*ticket, static_cast<int>(head.worker), head.busy_ns);
      return;
    }
    case RecordKind::kRestarted:
    case RecordKind::kBroken:
      if (record.take<std::uint64_t>() != pool_) return;  // of a Pool before
      if (kind == RecordKind::kBroken) return collapse(Codec<std::string>::decode(record));
      return restarted(static_cast<int>(record.take<std::uint64_t>()));
    case RecordKind::kReply:
      if (replies_.empty()) return;
      replies_[static_cast<std::size_t>(letter.from)].emplace().write(record.skip(0), record.remaining());
      return;
    default:
      return;
  }
}

void RankCrew::take_results(BytesReader record) {
  const auto head = record.take<ResultsHead>();
  Ticket* const ticket = find(head.ticket, head.unit, head.unit + head.count);
  if (!ticket) return;
  const std::byte* bytes = record.skip(head.count * head.size);
  pool::Parcel& parcel = *ticket->real;
  if (parcel.store_plain(head.unit, head.count, head.size, bytes))
    return ticket->account(head.unit, head.count);
  for (std::uint64_t i = 0; i < head.count; ++i, bytes += head.size) {
    BytesReader value(bytes, head.size);
    try {
      ticket->store(head.unit + i, value);
    } catch (...) {
      ticket->failed(pool::lost("its result could not be read: " + pool::current_failure().message),
                     head.unit + i, -1);
    }
  }
}

// Results that only the parcel can tell apart.
void RankCrew::take_block(BytesReader record, Mailbox::Letter& letter) {
  const auto head = record.take<BlockHead>();
  Ticket* const ticket = find(head.ticket, head.unit, head.unit + head.count);
  if (!ticket) return;
  const std::size_t size = record.remaining();
  std::byte* const values = letter.message.data() + (record.skip(size) - letter.message.data());
  std::vector<pool::Beside> used;
  try {
    cargo_->unload({values, size}, letter.beside, nullptr, used);
    ticket->real->store_block(head.unit, head.count, {values, size});
  } catch (...) {
    const Failure why = pool::lost("its result could not be read: " + pool::current_failure().message);
    for (std::uint64_t i = 0; i < head.count; ++i) ticket->failed(why, head.unit + i, -1);
    return;
  }
  ticket->account(head.unit, head.count);
}

void RankCrew::take_failure(BytesReader record) {
  const auto head = record.take<FailureHead>();
  if (Ticket* ticket = find(head.ticket, head.unit, head.unit + 1))
    ticket->failed(pool::decode_failure(record), head.unit, static_cast<int>(head.worker));
}

void RankCrew::fail(pool::Parcel& parcel, std::uint64_t unit, Failure failure, int worker) {
  failure.index = parcel.item_of(unit, failure.index);
  parcel.failed(std::move(failure), unit, std::max(worker, 0));
}

void RankCrew::give_back(Ticket& ticket, std::uint64_t begin, std::uint64_t end) {
  ticket.mark(begin, end - begin);
  queue(ticket.real, begin, end, true);
}

void RankCrew::finish(Ticket& ticket, int worker, std::int64_t busy_ns) {
  Link& link = links_[static_cast<std::size_t>(ticket.rank)];
  --link.tickets;
  link.chunks -= ticket.chunks;
  if (ticket.rank != 0) --remote_tickets_;
  pool::Parcel& parcel = *ticket.real;
  const auto found = tickets_.find(ticket.number);
  over_.push_back(std::move(found->second));
  tickets_.erase(found);
  parcel.busy_ns += busy_ns;
  finish_piece(parcel, worker);
}

void RankCrew::finish_piece(pool::Parcel& parcel, int worker) {
  --pieces_;
  --parcel.pieces;
  if (parcel.pieces > 0 || parcel.left > 0) return;
  const std::int64_t now = pool::steady_ns();
  parcel.done(worker, {now - parcel.busy_ns, now});
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
  Failure cancelled;
  cancelled.kind = FailureKind::kCancelled;
  cancelled.message = "the map was stopped first";
  cancelled.attempts = 0;
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
